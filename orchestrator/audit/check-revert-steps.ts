// What a revert says that it did, step by step: no start says "reverted" without what leads there, none ends well without having looked
// again and told of it, and every count is that of the plan. A chain made anew holds; these do not.
import { revertJournalName } from "../core/revert/files.ts";
import type { RevertEntry, RevertRecord } from "../core/revert/journal.ts";
import { auditFinding, type AuditFinding } from "./finding.ts";

type Kind = RevertEntry["kind"];
type Of<K extends Kind> = Omit<RevertRecord, "entry"> & { readonly entry: Extract<RevertEntry, { readonly kind: K }> };

/** `plannedUnits`: how many the run's plan makes; null: it cannot be read. */
export function checkRevertSteps(records: readonly RevertRecord[], plannedUnits: number | null): readonly AuditFinding[] {
  return [
    ...allOf(records, "reverted").flatMap((record) => checkReverted(records, record)),
    ...allOf(records, "attempt_ended").flatMap((record) => checkGoodEnd(records, record)),
    ...checkUnits(records, plannedUnits),
    ...allOf(records, "verified").flatMap(checkTables),
  ];
}

/** `already_there` is believed only as what another start's transaction did; otherwise it is the journal's word alone. */
export function toRevertNotes(records: readonly RevertRecord[]): readonly string[] {
  return allOf(records, "reverted")
    .filter(({ seq, entry }) => entry.found === "already_there" && findOpenTransaction(records, seq) === null)
    .map(
      ({ seq }) =>
        `the revert found the units retired already (${revertJournalName} record ${String(seq)}), by no transaction of its own: nothing ` +
        "among these files shows who did it or when; only the database does",
    );
}

function allOf<K extends Kind>(records: readonly RevertRecord[], kind: K): readonly Of<K>[] {
  return records.filter((record): record is Of<K> => record.entry.kind === kind);
}

function findOpenTransaction(records: readonly RevertRecord[], before: number): string | null {
  const earlier = records.slice(0, before);
  const transaction = allOf(earlier, "transaction").at(-1);
  const settled = earlier.some(({ seq, entry }) => seq > (transaction?.seq ?? -1) && ["rolled_back", "reverted"].includes(entry.kind));
  return transaction === undefined || settled ? null : transaction.entry.id;
}

/** What the start of this record had said before it. */
function toBefore(records: readonly RevertRecord[], seq: number): readonly Kind[] {
  const start = records.findLastIndex((record) => record.seq < seq && record.entry.kind === "attempt_started");
  return records.slice(start + 1, seq).map(({ entry }) => entry.kind);
}

const illegal = (record: number, problem: string, missing: readonly string[]): AuditFinding =>
  auditFinding("journal_illegal", problem, {
    file: revertJournalName,
    record,
    ...(missing.length === 0 ? {} : { facts: { missing } }),
  });

/** A start that finds the rows retired does nothing before it says so; one that retires them has compared them and backed them up. */
function checkReverted(records: readonly RevertRecord[], { seq, entry }: Of<"reverted">): readonly AuditFinding[] {
  const before = toBefore(records, seq);
  if (entry.found === "already_there")
    return before.length === 0
      ? []
      : [illegal(seq, "what was there already is found before anything is done, and this start had begun", [])];
  const missing = (["rows_compared", "backup_made", "transaction"] as const).filter((kind) => !before.includes(kind));
  return missing.length === 0 ? [] : [illegal(seq, "this start did not do what comes before a revert", missing)];
}

/** Another login looks in every start that ends well; what was told once is not told again. */
function checkGoodEnd(records: readonly RevertRecord[], { seq, entry }: Of<"attempt_ended">): readonly AuditFinding[] {
  if (entry.code !== null) return [];
  const ever = records.slice(0, seq).map((record) => record.entry.kind);
  const missing = [
    ...(["reverted", "receipt"] as const).filter((kind) => !ever.includes(kind)),
    ...(toBefore(records, seq).includes("verified") ? [] : ["verified"]),
  ];
  return missing.length === 0 ? [] : [illegal(seq, "a start that ended well did not do all of a revert", missing)];
}

function checkUnits(records: readonly RevertRecord[], plannedUnits: number | null): readonly AuditFinding[] {
  const counts = records.filter((record): record is Of<"rows_compared" | "reverted" | "verified"> => "units" in record.entry);
  const expected = plannedUnits ?? counts[0]?.entry.units ?? null;
  return counts
    .filter(({ entry }) => entry.units !== expected)
    .map(({ seq, entry }) =>
      auditFinding(
        "effect_differs",
        plannedUnits === null ? "its records count differently" : "it is not the number of units of the plan",
        {
          file: revertJournalName,
          record: seq,
          facts: { counted_by: entry.kind, expected_units: expected, found_units: entry.units },
        },
      ),
    );
}

const unitTable = "public.information_unit";

/** What one record says twice, it says alike. A release that did not write its tables down has nothing to compare. */
function checkTables({ seq, entry }: Of<"verified">): readonly AuditFinding[] {
  const { tables } = entry;
  if (tables === undefined) return [];
  const others = tables.filter(({ rest }) => rest !== "equal").map(({ table, rest }) => `${table} ${rest}`);
  const rows = tables.find(({ table }) => table === unitTable)?.rows_of_run;
  const fields = [
    ...(entry.tables_equal === tables.length - others.length ? [] : ["tables_equal"]),
    ...(others.join("\n") === entry.tables_not_equal.join("\n") ? [] : ["tables_not_equal"]),
    ...(rows === undefined || rows === entry.units ? [] : [`rows_of_run of ${unitTable}`]),
  ];
  return fields.length === 0
    ? []
    : [auditFinding("effect_differs", "its counts contradict one another", { file: revertJournalName, record: seq, facts: { fields } })];
}
