// When a live run's stop becomes the sovereign's to decide, and whom a stop waits for. Pure.
import { escalatingPhases } from "../approval/schema.ts";
import { toExitCode, type Code } from "../codes/index.ts";
import { hasWritten, mayContinue } from "../journal/live.ts";
import type { RunStatus } from "../journal/status.ts";
import { phaseOfGate, type PhaseName } from "../phase-names.ts";

/** What passes by itself or by the operator's hand: the run goes on where it stood, once it is enabled again. */
export const interruptions: readonly Code[] = [
  "RUN_INTERRUPTED",
  "RUN_HARD_CAP_REACHED",
  "PAYLOAD_CHANGED",
  "EXECUTION_REVOKED",
  "CLOCKS_DISAGREE",
  "COMMIT_UNKNOWN",
  "DOCUMENT_LOCKED",
  "KB_UNAVAILABLE",
  "KB_INDEX_CONTENDED",
  "KB_TLS_REFUSED",
  "KB_KEY_REFUSED",
  "KB_KEY_MALFORMED",
  "KB_ANSWER_INVALID",
  "KB_REFUSED",
  "DATABASE_UNREACHABLE",
  "DATABASE_LOCKED",
  "DATABASE_TIMEOUT",
  "DATABASE_AUTH_REFUSED",
  "DATABASE_LOGIN_REFUSED",
  "DATABASE_CONNECTIONS_FULL",
  "DATABASE_SETTING_REFUSED",
  "DATABASE_SERVERS_DIFFER",
  "DATABASE_ROWS_HIDDEN",
  "JOURNAL_NOT_WRITTEN",
  "DISK_FULL",
  "ESCALATION_OPEN",
  "VOID_EFFECTS_STAND",
  "DOCUMENT_CLAIMED",
  "DOCUMENT_LOCK_LOST",
];

/**
 * A failure from phase 6 on, after something was written, that is no interruption. `phase` is where the run stands.
 * A missing or unfit SG_2 waits for a fit one; a run that is being given up is not escalated again.
 */
export function isEscalation(status: RunStatus, phase: PhaseName | null, code: Code): boolean {
  if (status.started?.mode !== "live" || !hasWritten(status) || !mayContinue(status)) return false;
  return isEscalatingPhase(phase) && !interruptions.some((name) => name === code) && !waitsForSecondApproval(status, phase, code);
}

/** Null: nobody but the operator. */
export function toWaitsOn(status: RunStatus, phase: PhaseName | null): "knowledge_base" | "SG_2" | "SG_3" | null {
  const end = status.lastEnd;
  if (status.finished !== null || status.voided !== null || status.attemptOpen) return null;
  if (status.escalation !== null && status.escalation.decision === null) return "SG_3";
  if (end?.code === null || end === null) return null;
  if (end.code === "KB_UNAVAILABLE" || end.code === "KB_INDEX_CONTENDED") return "knowledge_base";
  return waitsForSecondApproval(status, phase, end.code) ? "SG_2" : null;
}

/** SG_2 is asked for and not there, or not fit; its row does not stand. */
export function waitsForSecondApproval(status: RunStatus, phase: PhaseName | null, code: string): boolean {
  return (
    status.started?.mode === "live" && phase === phaseOfGate.SG_2 && status.effects.SG_2.state !== "done" && /^(?:APPROVAL|KEY)_/.test(code)
  );
}

/** From the approval's own list: what an SG_3 can name. */
function isEscalatingPhase(phase: PhaseName | null): boolean {
  return escalatingPhases.some((name) => name === phase);
}

/** How the last start exits (decision 27): as its code says, but once something is written, no stop is "nothing written". */
export function toLastExit(status: RunStatus): number {
  const exit = toExitCode(status.lastEnd?.code ?? null);
  return hasWritten(status) && exit !== 30 && exit !== 70 && exit !== 0 ? 20 : exit;
}
