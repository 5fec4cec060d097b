// How the end of a run reads. Pure.
import { isCode } from "../core/codes/index.ts";
import { toErrorLine } from "../core/errors.ts";
import type { RunOutcome } from "../core/run/outcome.ts";

/** What would stop a live run (in a live run: what its ruling put up with), then one closing line. */
export function toOutcomeText(outcome: RunOutcome): readonly string[] {
  const stops = outcome.would_refuse.map(
    (refusal) =>
      `[WARN] ${outcome.mode === "live" ? "accepted_by_ruling" : "would_refuse"} phase=${refusal.phase} ` +
      `${isCode(refusal.code) ? toErrorLine(refusal.code, refusal.facts) : refusal.code}`,
  );
  return [...stops, toClosingLine(outcome)];
}

function toClosingLine(outcome: RunOutcome): string {
  const named = `run ${outcome.run_id} mode=${outcome.mode} phases=${String(outcome.phases_done)} exit=${String(outcome.exit_code)}`;
  const why = outcome.code !== null && isCode(outcome.code) ? toErrorLine(outcome.code, outcome.facts) : (outcome.code ?? "unknown");
  if (outcome.result === "done" && outcome.code === "DISK_FULL") return `[ERR] done, and its evidence is not yet whole: ${named} ${why}`;
  if (outcome.result === "done") {
    const again = outcome.replay ? " (it was done before; nothing was repeated)" : "";
    if (outcome.mode === "live") return `[OK] done: ${named} payload_sha=${outcome.payload_sha ?? "none"}${again}`;
    const label = outcome.certificate === "pass" ? "[OK]" : outcome.certificate === "fail" ? "[ERR]" : "[WARN]";
    return (
      `${label} done: ${named} certificate=${outcome.certificate ?? "none"} payload_sha=${outcome.payload_sha ?? "none"} ` +
      `would_refuse=${String(outcome.would_refuse.length)}${again}`
    );
  }
  const waits = outcome.waits_on === null ? "" : ` waits_on=${outcome.waits_on}`;
  return (
    `${outcome.result === "waiting" || outcome.result === "voided" ? "[WARN]" : "[ERR]"} ${outcome.result}: ${named} ` +
    `phase=${outcome.phase ?? "none"}${waits} ${why}`
  );
}
