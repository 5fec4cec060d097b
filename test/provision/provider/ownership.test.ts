// The manifest's lines as the scripts write them: a line that a full disk or a crash cut does not spoil the next one.
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { hostLayout } from "../../../orchestrator/core/host/layout.ts";
import { parseOwnershipClaims, withOwnershipClaim } from "../../../provision/provider/ownership.ts";
import { runLocalJob } from "../../support/hosts/local-host.ts";

const folder = mkdtempSync(join(tmpdir(), "ck-ownership-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const manifest = join(folder, "ownership.jsonl");
const claim = async (path: string) => {
  const work = withOwnershipClaim({ path, urn: "urn", sha256: "", state: "claimed" }, { script: ":", args: [] });
  await runLocalJob({
    ...work,
    script: work.script.replaceAll(hostLayout.ownership, manifest).replaceAll(`e=${hostLayout.etc};`, `e=${folder};`),
  });
};

it("ends a cut line before the next claim is written", async () => {
  writeFileSync(manifest, "");
  await claim("/one");
  appendFileSync(manifest, '{"path":"/cut');
  await claim("/two");
  await claim("/three");
  expect([...parseOwnershipClaims(readFileSync(manifest, "utf8")).keys()]).toEqual(["/one", "/two", "/three"]);
});
