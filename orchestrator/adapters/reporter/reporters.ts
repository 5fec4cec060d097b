// Three ways to tell how a run goes: a live line per phase on a terminal, one line per event in a log, JSON lines.
import type { Reporter, RunEvent } from "../../ports/reporter.ts";
import { toEventLine, toPhaseLabel } from "./lines.ts";

type Write = (text: string) => void;

export function lineReporter(write: Write): Reporter {
  return {
    report: (event) => {
      const line = toEventLine(event);
      if (line !== null) write(`${line}\n`);
    },
  };
}

/** The current phase stands on the last line and is overwritten when it is done. Lines are kept shorter than any terminal's. */
export function terminalReporter(write: Write): Reporter {
  const clearLine = "\r\u001b[K";
  return {
    report: (event: RunEvent) => {
      const live = toLiveText(event);
      const line = liveOnly.includes(event.kind) ? null : toEventLine(event);
      write(`${clearLine}${line === null ? "" : `${line}\n`}${live}`);
    },
  };
}

function toLiveText(event: RunEvent): string {
  if (event.kind === "phase_started") return `  …    phase ${toPhaseLabel(event)}`;
  if (event.kind === "gate_waiting")
    return `  …    gate ${event.phase} waits for ${event.waitsOn}, ${toWholeSeconds(event.sinceMs)}, until ${event.until} at most`;
  if (event.kind === "call_waiting")
    return `  …    no answer to ${event.call} for ${toWholeSeconds(event.sinceMs)} of ${toWholeSeconds(event.atMostMs)}`;
  return "";
}

const liveOnly: readonly RunEvent["kind"][] = ["gate_waiting", "gate_passed", "call_waiting"];
const toWholeSeconds = (ms: number): string => `${String(Math.round(ms / 1000))} s`;

export function jsonReporter(write: Write): Reporter {
  return { report: (event) => write(`${JSON.stringify({ schema: "cutter.event/1", ...event })}\n`) };
}
