// The report of a run as plain text, told from its journal and its phases' texts. Pure.
import { codes, type Code } from "./codes/index.ts";
import { toPrintable } from "./errors.ts";
import type { RunStatus } from "./journal.ts";

export interface ReportText {
  readonly phase: string;
  readonly text: { readonly summary: string; readonly facts: readonly (readonly [name: string, value: string | number | boolean | null])[] };
}

const labelWidth = 26;

export function toRunReport(parts: { readonly status: RunStatus; readonly texts: readonly ReportText[]; readonly certificate: string | null }): string {
  const { status } = parts;
  const lines = [`Run ${status.started?.run_id ?? "?"} (${status.started?.mode ?? "?"})`, toLine("document", status.started?.document_id ?? "?"), toLine("begun", status.started?.at ?? "?"), toLine("starts", String(status.attempt)), toLine("certificate", parts.certificate ?? "none yet"), ""];
  for (const done of status.done) {
    const text = parts.texts.find((candidate) => candidate.phase === done.phase)?.text;
    lines.push(`${String(done.number).padStart(2)} ${done.phase}: ${text?.summary ?? "done"} (${String(done.durationMs)} ms)`);
    for (const [name, value] of text?.facts ?? []) lines.push(toLine(name, toPrintable(value)));
    lines.push(toLine("receipt", done.receipt === null ? "none yet" : `${done.receipt.documentId} revision ${String(done.receipt.revision)}`));
    for (const refusal of done.wouldRefuse) lines.push(toLine("would refuse", `${refusal.code} ${Object.entries(refusal.facts).map(([name, value]) => `${name}=${toPrintable(value)}`).join(" ")}`));
    lines.push("");
  }
  const stops = status.done.flatMap((done) => done.wouldRefuse);
  lines.push(stops.length === 0 ? "Nothing found here would stop a live run, but for its approvals and the kill switch." : `${String(stops.length)} reasons would stop a live run:`);
  for (const code of new Set(stops.map((stop) => stop.code))) lines.push(toLine(code, code in codes ? codes[code as Code].remedy : ""));
  return `${lines.join("\n")}\n`;
}

function toLine(label: string, value: string): string {
  return `   ${label.padEnd(labelWidth)} ${value}`;
}
