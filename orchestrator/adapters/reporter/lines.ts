// How each message of a run reads as one line: [INFO] [OK] [WARN] [ERR]. Pure.
import type { RunEvent } from "../../ports/reporter.ts";

/** Null for messages that need no line of their own in a log. */
export function toEventLine(event: RunEvent): string | null {
  switch (event.kind) {
    case "run_started":
      return (
        `[INFO] run ${event.runId} ${event.attempt === 1 ? "begins" : `resumes, start ${String(event.attempt)}`}: ` +
        `mode=${event.mode} document=${event.documentId}`
      );
    case "phase_started":
      return null;
    case "phase_done": {
      const stops = event.wouldRefuse.length === 0 ? "" : ` would_refuse=${event.wouldRefuse.join(",")}`;
      return `${stops === "" ? "[OK]" : "[WARN]"} phase ${toPhaseLabel(event)}: ${event.summary} (${toSeconds(event.durationMs)})${stops}`;
    }
    case "gate_waiting":
      return (
        `[WARN] gate ${event.phase} waits_on=${event.waitsOn} for ${toSeconds(event.sinceMs)}, ` +
        `since ${event.since}, until ${event.until} at most; seen: ${event.seen}`
      );
    case "call_waiting":
      return (
        `[INFO] the knowledge base has not answered ${event.call} for ${toSeconds(event.sinceMs)}; ` +
        `it is given up after ${toSeconds(event.atMostMs)}, and a write is looked for before it is sent again`
      );
    case "gate_passed":
      return `[INFO] gate ${event.phase} passed: ${event.documentId} revision ${String(event.revision)}`;
    case "warning":
      return `[WARN] ${event.code} ${event.text}`;
    case "run_ended":
      return null; // the command's closing line says it
  }
}

/** `03/11 cutplan` without the total: the number says enough. */
export function toPhaseLabel(event: { readonly number: number; readonly phase: string }): string {
  return `${String(event.number).padStart(2, "0")} ${event.phase}`;
}

function toSeconds(ms: number): string {
  return ms < 1000 ? `${String(Math.round(ms))} ms` : `${(ms / 1000).toFixed(1)} s`;
}
