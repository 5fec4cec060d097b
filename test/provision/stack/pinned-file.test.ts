// Pinned files are judged before anything is declared, and a refusal says which key of the stack and which file it speaks of.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { sha256Hex } from "../../../orchestrator/core/encoding/digest.ts";
import { requirePinnedFiles } from "../../../provision/stack/pinned-file.ts";
import { createGpgHome } from "../../support/gpg.ts";

const home = createGpgHome();
const folder = mkdtempSync(join(tmpdir(), "ck-pinned-"));
afterAll(() => {
  home.remove();
  rmSync(folder, { recursive: true, force: true });
});
const pin = (name: string, bytes: Buffer) => {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return { path, sha256: sha256Hex(bytes) };
};
const rollbackRunbook = pin("runbook.sql", Buffer.from("-- back\n"));
const fingerprint = home.createKey("owner");
const good = { ...pin("good.asc", home.run(["--armor", "--export", fingerprint])), fingerprint };

it("lets good files through", async () => {
  await expect(requirePinnedFiles({ keys: { backup: good, sovereign: good }, rollbackRunbook })).resolves.toBeUndefined();
});

it("names the stack's key and the file of a key that is refused", async () => {
  const secret = { ...pin("secret.asc", home.run(["--armor", "--export-secret-keys", fingerprint])), fingerprint };
  await expect(requirePinnedFiles({ keys: { backup: good, sovereign: secret }, rollbackRunbook })).rejects.toMatchObject({
    code: "KEY_IS_PRIVATE",
    facts: { key: "cutter-kit:keys.sovereign", file: secret.path },
  });
});

it("refuses a pinned file whose bytes are others", async () => {
  await expect(
    requirePinnedFiles({ keys: { backup: good }, rollbackRunbook: { ...rollbackRunbook, sha256: "0".repeat(64) } }),
  ).rejects.toMatchObject({ code: "STACK_CONFIG_INVALID" });
});
