// What an enable leaves in root's staging folder when it is broken off, and who takes it away.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { parseRunId } from "../../orchestrator/core/run-id.ts";
import { hostLayout } from "../../orchestrator/core/host/layout.ts";
import type { RemoteHost } from "../../provision/host/connection.ts";
import { stage, unstage } from "../../runbooks/staging.ts";
import type { SignedFile } from "../../runbooks/signed-files.ts";
import { localHost } from "../support/hosts/local-host.ts";

let incoming: string;
beforeEach(() => {
  incoming = mkdtempSync(join(tmpdir(), "incoming-"));
});
afterEach(() => rmSync(incoming, { recursive: true, force: true }));

const toRunId = (text: string) => parseRunId(text, { allowDryRunSuffix: false });
const moved = (args: readonly string[]): readonly string[] => args.map((arg) => arg.replace(hostLayout.incoming, incoming));
/** This machine's sh, on a staging folder of the test's own: its connection is this process. */
const host: RemoteHost = { ...localHost, run: (script, args, options) => localHost.run(script, moved(args), options) };
const ruling: SignedFile = {
  file: "ruling.md",
  gate: "RULING",
  document: { name: "ruling.md", bytes: Buffer.from("signed") },
  signatures: [{ file: "ruling.md.sovereign.asc", name: "ruling.md.sovereign.asc", bytes: Buffer.from("signature") }],
};
const names = (): readonly string[] => readdirSync(incoming).toSorted();

/** As an enable leaves it whose connection broke: its process on the host is gone. */
function leave(runId: string): void {
  const child = `mkdir "$1/$2" "$1/_upload.$2"; echo signed >"$1/$2/ruling.md"
    echo "$$ $(sed 's/.*) //' /proc/$$/stat | cut -d ' ' -f 20)" >"$1/_upload.$2/.owner"`;
  execFileSync("sh", ["-c", child, "sh", incoming, runId]);
}

test("what another run's broken-off enable left is cleared by the next enable; what it stages is whole", async () => {
  leave("R-1");
  await stage(host, toRunId("R-2"), [ruling]);
  expect(names()).toEqual(["R-2", "_upload.R-2"]);
  expect(readdirSync(join(incoming, "R-2")).toSorted()).toEqual(["ruling.md", "ruling.md.sovereign.asc"]);
  await unstage(host, toRunId("R-2"));
  expect(names()).toEqual([]);
});

test("an enable that is at work keeps its files, whoever begins another", async () => {
  await stage(host, toRunId("R-1"), [ruling]);
  await stage(host, toRunId("R-2"), [ruling]);
  expect(names()).toEqual(["R-1", "R-2", "_upload.R-1", "_upload.R-2"]);
  expect(readFileSync(join(incoming, "R-1/ruling.md"), "utf8")).toBe("signed");
});

test("a pid that another process has now is nobody's claim", async () => {
  leave("R-1");
  writeFileSync(join(incoming, "_upload.R-1/.owner"), `${String(process.pid)} 1\n`);
  await stage(host, toRunId("R-2"), [ruling]);
  expect(names()).toEqual(["R-2", "_upload.R-2"]);
});

test("a REVERT that is staged in the same run's folder stays; what is older than an hour goes, whatever it is", async () => {
  leave("R-1");
  writeFileSync(join(incoming, "R-1/revert.md"), "signed");
  mkdirSync(join(incoming, "R-0"));
  const old = new Date(Date.now() - 2 * 3_600_000);
  utimesSync(join(incoming, "R-0"), old, old);
  await stage(host, toRunId("R-2"), [ruling]);
  expect(existsSync(join(incoming, "R-1/revert.md"))).toBe(true);
  expect(names()).toEqual(["R-1", "R-2", "_upload.R-2"]);
});
