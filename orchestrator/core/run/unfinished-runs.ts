// Which live runs have written to the database and are neither closed out, given up nor reverted: one definition, for `up`, `destroy` and
// `enable`. While one is, the host stays as it is (decision 32), and whoever enables another run is told of it.
import { entryKinds, parseRecord, type JournalEntry } from "../journal/record.ts";
import { parseRevertRecord } from "../revert/journal.ts";
import { dryRunSuffix } from "../run-id.ts";
import { tryParseJson } from "../encoding/try-parse-json.ts";

/**
 * What lies on disk of one run: whole lines (those that end) of its journal and of its revert's. Lines that `idleLine` matches may be left
 * out.
 */
export interface RunTrace {
  readonly runId: string;
  readonly journal: readonly string[];
  readonly revertJournal: readonly string[];
}

/** The kinds of records that decide it. */
const decidingKinds = new Set<string>(["run_started", "transaction", "effect_rolled_back", "effect_done", "run_finished", "run_voided"]);

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

function isUnfinished({ runId, journal, revertJournal }: RunTrace): boolean {
  const records = journal.filter((line) => !idle.test(line)).map((line) => parseRecord(tryParseJson(line))?.entry ?? null);
  const [first] = records;
  if (first?.kind === "run_started" ? first.mode === "dryrun" : runId.endsWith(dryRunSuffix)) return false;
  if (records.some((entry) => entry?.kind === "run_finished" || entry?.kind === "run_voided")) return false;
  if (revertJournal.some((line) => parseRevertRecord(tryParseJson(line))?.entry.kind === "reverted")) return false;
  return hasSteps(records);
}

/**
 * Whether a live run with this journal has written to the database, or may have: a transaction's id is durable before its COMMIT is sent. A
 * last line without its newline is an append that was cut off, and nothing came of it yet. Pure.
 */
export function mayHaveWritten(journal: string): boolean {
  const whole = journal.split("\n").slice(0, -1);
  return hasSteps(whole.filter((line) => !idle.test(line)).map((line) => parseRecord(tryParseJson(line))?.entry ?? null));
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
