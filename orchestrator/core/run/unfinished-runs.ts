// Which live runs have written to the database and are neither closed out, given up nor reverted: one definition, for `up`, `destroy` and
// `enable`. While one is, the host stays as it is (decision 32), and whoever enables another run is told of it.
import { toWholeLines } from "../journal/chain.ts";
import { entryKinds, parseRecord, type JournalEntry } from "../journal/record.ts";
import { parseRevertRecord } from "../revert/journal.ts";
import { dryRunSuffix } from "../run-id.ts";
import { tryParseJson } from "../encoding/try-parse-json.ts";

/** What lies on disk of one run: its journal's lines and its revert's, as `toWholeLines` gives them. `idleLine`s may be left out. */
export interface RunTrace {
  readonly runId: string;
  readonly journal: readonly string[];
  readonly revertJournal: readonly string[];
  readonly outputs?: readonly string[]; // names in its folder of outputs, read before the journal; a survey does not look
}

/** The kinds of records that decide it. */
const decidingKinds = new Set<string>([
  "run_started",
  "phase_started",
  "transaction",
  "effect_rolled_back",
  "effect_done",
  "run_finished",
  "run_voided",
]);

/**
 * A whole line of a known kind that decides nothing, as an extended regular expression: whoever reads a journal on a host may leave such
 * lines out, and no others, so that a line which cannot be read is always seen.
 */
export const idleLine = `^\\{.*"kind":"(${entryKinds.filter((kind) => !decidingKinds.has(kind)).join("|")})".*\\}$`;

/**
 * Run ids. Pure. A line that cannot be read counts as a write: an unknown release's journal must not be taken for harmless. A run that was
 * given up is finished: its void is recorded only where nothing of it can stand in the database. A dry run has no way to write.
 */
export function toUnfinishedRuns(traces: readonly RunTrace[]): readonly string[] {
  return traces.filter((trace) => isUnfinished(trace)).map(({ runId }) => runId);
}

const idle = new RegExp(idleLine, "u");

function isUnfinished({ runId, journal, revertJournal, outputs = [] }: RunTrace): boolean {
  const records = journal.filter((line) => !idle.test(line)).map((line) => parseRecord(tryParseJson(line))?.entry ?? null);
  const [first] = records;
  if (first?.kind === "run_started" ? first.mode === "dryrun" : runId.endsWith(dryRunSuffix)) return false;
  if (records.some((entry) => entry?.kind === "run_finished" || entry?.kind === "run_voided")) return false;
  if (revertJournal.some((line) => parseRevertRecord(tryParseJson(line))?.entry.kind === "reverted")) return false;
  const begun = records.flatMap((entry) => (entry?.kind === "phase_started" ? [entry.number] : []));
  return hasSteps(records) || toUnbegunOutputs(outputs, (number) => begun.includes(number)).length > 0;
}

/** An output is written after the line that begins its phase is durable: those without it mean that the journal lost lines. Pure. */
export function toUnbegunOutputs(names: readonly string[], isBegun: (phaseNumber: number) => boolean): readonly string[] {
  return names.filter((name) => {
    const number = /^(\d+)-.*\.json$/.exec(name)?.[1];
    return number !== undefined && !isBegun(Number(number));
  });
}

/**
 * Whether a live run with this journal has written to the database, or may have: a transaction's id is durable before its COMMIT is sent.
 * Of an append that was cut off nothing came yet. Pure.
 */
export function mayHaveWritten(journal: string): boolean {
  const lines = toWholeLines(Buffer.from(journal, "utf8"));
  return hasSteps(lines.filter((line) => !idle.test(line)).map((line) => parseRecord(tryParseJson(line))?.entry ?? null));
}

function hasSteps(records: readonly (JournalEntry | null)[]): boolean {
  const steps = new Set<string>();
  for (const entry of records) {
    if (entry === null) steps.add("unreadable");
    if (entry?.kind === "transaction" || entry?.kind === "effect_done") steps.add(entry.step);
    if (entry?.kind === "effect_rolled_back") steps.delete(entry.step);
  }
  steps.delete("pre_write_backup"); // a file, which a destroy keeps anyway
  return steps.size > 0;
}
