// What one start of a revert came to: printed, kept beside its journal, and told to the root step behind it.
import type { Facts } from "../../core/errors.ts";
import type { TableDifference } from "../../core/revert/differences.ts";

export interface RevertOutcome {
  readonly schema: "cutter.revert/1";
  readonly run_id: string;
  readonly document_id: string | null;
  readonly result: "reverted" | "already_reverted" | "waiting" | "stopped";
  readonly exit_code: number;
  readonly code: string | null;
  readonly facts: Facts;
  readonly payload_sha: string | null;
  readonly units: number | null;
  readonly reverted_at: string | null;
  readonly transaction_id: string | null;
  readonly approval: { readonly sha256: string; readonly review_decision_id: string; readonly signer: string } | null;
  readonly backup: { readonly file: string; readonly ciphertext_sha256: string; readonly ciphertext_bytes: number } | null;
  readonly differences: readonly TableDifference[];
  readonly document: { readonly id: string; readonly revision: number; readonly sha256: string } | null;
  readonly waits_on: "knowledge_base" | null;
  readonly folder: string | null;
}

/** One line per table, for people: what stays of the run, and whether everything else is as it was before the cut. Pure. */
export function toDifferenceLines(differences: readonly TableDifference[]): readonly string[] {
  return differences.map(({ table, rowsOfRun, kept, rest, restRows }) => {
    const own =
      rowsOfRun === 0
        ? "no row of this run"
        : `${String(rowsOfRun)} ${rowsOfRun === 1 ? "row of this run stays" : "rows of this run stay"} (${kept ?? "kept"})`;
    return `${table}: ${own}; the other ${String(restRows)} rows ${restTexts[rest]}`;
  });
}

const restTexts = {
  equal: "are byte for byte as before the cut",
  changed: "were changed by others since the cut",
  unknown: "cannot be compared: no count from before the cut",
} as const;
