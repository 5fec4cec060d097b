// Whether this revert may happen now: what root staged, the sovereign's REVERT against it, and that the run is at rest. Asked at the start
// and again just before COMMIT.
import { toApprovalScope, type HostScope, type RunScope } from "../../core/approval/scope.ts";
import { verifyApproval, type Keys, type VerifiedApproval } from "../../core/approval/verify.ts";
import type { OrchestratorConfig } from "../../core/config-schema.ts";
import { sha256Hex } from "../../core/encoding/digest.ts";
import { CutterError } from "../../core/errors.ts";
import { stagedFiles, type StagedRevert } from "../../core/revert/staging.ts";
import type { RunId } from "../../core/run-id.ts";
import type { Files } from "../../ports/files.ts";
import { toExpectedGate } from "../../core/approval/binding.ts";

/** What one start of a revert was given. */
export interface RevertInputs extends HostScope {
  readonly runId: RunId;
  readonly config: OrchestratorConfig;
  readonly paths: { readonly armed: string; readonly live: string; readonly staging: string };
  readonly staged: StagedRevert;
  readonly approval: Uint8Array;
  readonly signature: Uint8Array;
  readonly keys: Keys;
  readonly runbook: string;
  readonly signal: AbortSignal;
}

/** Against the plan of this run, on this host, by this release. @throws REVERT_NOT_STAGED, REVERT_RUNBOOK_CHANGED, APPROVAL_*, KEY_* */
export async function verifyRevertApproval(revert: RevertInputs, plan: Omit<RunScope, "runId">, now: Date): Promise<VerifiedApproval> {
  requireStaged(revert);
  const expected = {
    ...toExpectedGate("REVERT"),
    ...toApprovalScope({ runId: revert.runId, ...plan }, revert),
  } as const;
  return verifyApproval({ document: revert.approval, signatures: [revert.signature], keys: revert.keys, expected, now });
}

function requireStaged({ staged, runId, approval, signature, host, releaseSha256, runbook }: RevertInputs): void {
  const wanted = {
    run_id: runId,
    approval_sha256: sha256Hex(approval),
    signature_sha256: sha256Hex(signature),
    host,
    release_sha256: releaseSha256,
  };
  for (const name of Object.keys(wanted) as (keyof typeof wanted)[]) {
    if (staged[name] !== wanted[name])
      throw new CutterError("REVERT_NOT_STAGED", {
        reason: "damaged",
        run_id: runId,
        field: name,
        expected: staged[name],
        found: wanted[name],
      });
  }
  const found = sha256Hex(runbook);
  if (found !== staged.runbook_sha256) throw new CutterError("REVERT_RUNBOOK_CHANGED", { expected: staged.runbook_sha256, found });
}

/**
 * A token of this run, wherever it lies: what is armed or live is stopped first. Whatever cannot be looked at counts as there.
 * @throws REVERT_RUN_ACTIVE
 */
export async function requireRunInactive(files: Files, paths: RevertInputs["paths"], runId: string): Promise<void> {
  for (const state of ["live", "armed"] as const) {
    const token = await files.facts(`${paths[state]}/${runId}`).catch(() => "unreadable" as const);
    if (token !== null)
      throw new CutterError("REVERT_RUN_ACTIVE", { run_id: runId, state: token === "unreadable" ? `${state}, or not to be seen` : state });
  }
}

/** What was staged when the revert began still lies there: taking it away is a way to stop. @throws REVERT_NOT_STAGED */
export async function requireStillStaged(files: Files, revert: RevertInputs): Promise<void> {
  const path = `${revert.paths.staging}/${revert.runId}/${stagedFiles.approval}`;
  const found = await files.sha256(path);
  if (found === null) throw new CutterError("REVERT_NOT_STAGED", { run_id: revert.runId, looked_for: path });
  if (found !== revert.staged.approval_sha256)
    throw new CutterError("REVERT_NOT_STAGED", {
      reason: "damaged",
      run_id: revert.runId,
      field: "approval_sha256",
      expected: revert.staged.approval_sha256,
      found,
    });
}
