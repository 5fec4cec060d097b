// What prepare says where nothing that people would sign could be used: why, and the command that leads on. Pure.
import { codes, isCode } from "../orchestrator/core/codes/index.ts";
import type { CutterError } from "../orchestrator/core/errors.ts";
import { runIdCharactersMax } from "../orchestrator/core/run-id.ts";

export interface PreparedRun {
  readonly runId: string;
  readonly documentId: string;
  readonly usedIds: readonly string[]; // of requests on the host, whatever became of them
}

/** A command of the checkout as it is typed for the host at hand. */
type Typed = (argv: readonly string[]) => string;

/** Lines for the operator; the last one is a command. */
export function toSignNothingLines(error: CutterError, run: PreparedRun, typed: Typed): readonly string[] {
  const { reason, codes: named, by_run: byRun } = error.facts;
  const isTaken = Array.isArray(named) && named.includes("ADDRESSES_TAKEN");
  return [
    `[ERR]  sign nothing. ${error.message}`,
    ...(Array.isArray(named) ? (named as readonly string[]) : []).map(
      (code) => `[INFO] ${code}: ${isCode(code) ? codes[code].remedy : "unknown to this checkout"}`,
    ),
    ...(reason === "would_refuse"
      ? ["[INFO] the dry run of this run id is done and is not made again: what was mended since, only a new one can see"]
      : []),
    ...toNextCommand(typeof reason === "string" ? reason : "", typeof byRun === "string" ? byRun : run.runId, run, typed, isTaken),
  ];
}

/** Ids are never used again, so a new one: the first of … that no request of the host has. */
export function toUnusedRunId(runId: string, usedIds: readonly string[]): string {
  const used = new Set(usedIds.map((id) => id.toLowerCase()));
  const [, stem = runId, number = "1"] = /^(.+?)-(\d{1,4})$/.exec(runId) ?? [];
  for (let next = Number(number) + 1; next < Number(number) + triesMax; next += 1) {
    const candidate = `${stem.slice(0, runIdCharactersMax - String(next).length - 1)}-${String(next)}`;
    if (!used.has(candidate.toLowerCase())) return candidate;
  }
  return "NEW";
}

const triesMax = 1000;

function toNextCommand(reason: string, runId: string, run: PreparedRun, typed: Typed, isTaken: boolean): readonly string[] {
  if (reason === "gate_used" || reason === "document_claimed")
    return ["[INFO] instead, on the host:", `    cutter orchestrate explain --run-id ${runId}`];
  if (isTaken)
    return [
      "[INFO] this document was cut before, and no other run id changes that; to choose another, on the host:",
      "    cutter target propose",
    ];
  return [
    `[INFO] instead${reason === "would_refuse" ? ", once that is mended" : ""}:`,
    `    ${typed(["runbooks/prepare", "--run-id", toUnusedRunId(run.runId, run.usedIds), "--document", run.documentId])}`,
  ];
}
