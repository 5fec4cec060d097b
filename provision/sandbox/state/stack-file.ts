// Writes Pulumi.sandbox.yaml from the facts of a sandbox; files are pinned by the digest of their bytes.
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { relative } from "node:path";
import type { SandboxPaths } from "../base/paths.ts";
import { type PinnedFile, renderStackConfig } from "./stack-config.ts";
import type { SandboxState } from "./state.ts";

/** Replaces the file. Paths in it are relative to the checkout, where Pulumi runs. */
export function writeStackFile(paths: SandboxPaths, state: SandboxState, expectedGrantMatrixSha: string): void {
  const pin = (file: string): PinnedFile => ({ path: relative(paths.checkout, file), sha256: sha256Of(file) });
  const pinKey = (role: keyof SandboxState["keys"]) => ({ ...pin(state.keys[role].file), fingerprint: state.keys[role].fingerprint });
  const text = renderStackConfig({
    host: state.address,
    port: state.port,
    user: state.user,
    hostKey: state.hostKey,
    machineIdentity: state.machineIdentity,
    kbBaseUrl: state.kb.baseUrl,
    expectedGrantMatrixSha,
    rollbackRunbook: pin(`${paths.checkout}/sql/lifecycle/rollback_runbook.sql`),
    kbCa: pin(state.kb.caFile),
    keys: { backup: pinKey("backup"), sovereign: pinKey("sovereign"), architect: pinKey("architect") },
  });
  writeFileSync(paths.stackFile, text, { mode: 0o600 });
}

/** A file that is not there has the digest of nothing: the stack then refuses, and says which file is missing. */
function sha256Of(file: string): string {
  return createHash("sha256")
    .update(existsSync(file) ? readFileSync(file) : "")
    .digest("hex");
}
