// What differs from before the cut once a run is reverted: rows of that run, append-only by design, and nothing else. Table by table, with
// digests. Pure.
import type { DatabaseContract } from "../database/contract.ts";
import type { EffectStep } from "../journal/effect.ts";

/** What a revert takes back. The rows of the other steps are append-only: it leaves them and says so. */
const takenBackSteps: readonly EffectStep[] = ["cut_leg_a", "lifecycle_enact"];

export function isTakenBack(step: string): boolean {
  return takenBackSteps.some((taken) => taken === step);
}

/** One table without the rows of a run: in the census' own form, so that its digest can be compared with the one taken before the cut. */
export interface RestOfTable {
  readonly table: string; // schema-qualified
  readonly rowsOfRun: number;
  readonly restRows: number;
  readonly restSha256: string;
}

/** The column by which each table names the run a row belongs to; a table without one holds no row of a run. */
const runColumns: Readonly<Record<string, string>> = {
  "public.information_unit": "created_by_run",
  "public.unit_version": "run_id",
  "public.iu_lifecycle_log": "run_id",
  "cutter_governance.review_decision": "run_id",
  "cutter_governance.cut_change_set": "run_id",
  "cutter_governance.manifest_envelope": "run_id",
  "cutter_governance.dot_pair_signature": "run_id",
  "cutter_governance.verify_result": "run_id",
};

const whyRowsRemain: Readonly<Record<string, string>> = {
  "public.information_unit": "retired, identity and address kept",
  "public.unit_version": "append-only: versions of retired units",
  "public.iu_lifecycle_log": "append-only: the log of enacting and of the revert",
  "cutter_governance.review_decision": "append-only: the sovereign's decisions",
  "cutter_governance.cut_change_set": "append-only: the record of the cut",
  "cutter_governance.manifest_envelope": "append-only: the record of the cut",
  "cutter_governance.dot_pair_signature": "append-only: the record of the cut",
  "cutter_governance.verify_result": "append-only: the record of the verification",
};

/** Null for a table whose rows no run owns. */
export function toRunColumn(table: string): string | null {
  return runColumns[table] ?? null;
}

export interface TableDifference {
  readonly table: string;
  readonly rowsOfRun: number;
  readonly kept: string | null; // why those rows stay
  /** The other rows: `equal` to before the cut, `changed` since by somebody else, `unknown` without a count from before. */
  readonly rest: "equal" | "changed" | "unknown";
  readonly restRows: number;
}

/** `before` is the census the run took before its first phase, or null when its journal cannot be read. Pure. */
export function toDifferences(
  before: readonly { readonly table: string; readonly rowCount: number; readonly sha256: string }[] | null,
  after: readonly RestOfTable[],
): readonly TableDifference[] {
  return after.map(({ table, rowsOfRun, restRows, restSha256 }) => {
    const then = before?.find((census) => census.table === table);
    const rest = then === undefined ? "unknown" : then.sha256 === restSha256 && then.rowCount === restRows ? "equal" : "changed";
    return { table, rowsOfRun, kept: toWhyKept(table, rowsOfRun), rest, restRows };
  });
}

/** Null where no row of the run stays, or nobody said why. Pure. */
export function toWhyKept(table: string, rowsOfRun: number): string | null {
  return rowsOfRun === 0 ? null : (whyRowsRemain[table] ?? null);
}

/** Tables of the contract that belong to runs: held to the contract by a test, so that a new one is not forgotten. Pure. */
export function toTablesWithRun(contract: DatabaseContract): readonly string[] {
  return contract.tables
    .filter(({ columns }) => columns.some(({ name }) => name === "run_id" || name === "created_by_run"))
    .map(({ name }) => name);
}
