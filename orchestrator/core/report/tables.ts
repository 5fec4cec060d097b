// The rows of every table in scope: before the run, after it, and after its revert where there is one. Pure.
import { paragraph, table, type Block } from "../page/page.ts";
import type { RevertAccount } from "../revert/account.ts";
import type { AccountedTable, RunAccount } from "./account.ts";

export function toTablesTitle(revert: RevertAccount | null): string {
  return revert?.state === "reverted" ? "Rows before the run, after it, and after its revert" : "Rows before and after";
}

export function toTables(account: RunAccount, revert: RevertAccount | null): readonly Block[] {
  if (account.tables.length === 0) return [paragraph("Nothing was counted.")];
  const runRows = table(["Table", "Rows before", "Rows after the run", "Difference", "Of this run", "Content"], account.tables.map(toRow));
  if (revert?.state !== "reverted") return [runRows];
  if (revert.tables.length === 0)
    return [runRows, paragraph("After the revert: not recorded. What stands above under “after” is from before the revert.")];
  return [
    table(
      [
        "Table",
        "Rows before",
        "Rows after the run",
        "Rows after the revert",
        "Of them this run's, kept",
        "The others, against before the run",
      ],
      account.tables.map((counted) => {
        const now = revert.tables.find(({ table: name }) => name === counted.table);
        return [
          counted.table,
          String(counted.rowsBefore),
          counted.rowsAfter === null ? "not counted" : String(counted.rowsAfter),
          now === undefined ? "not counted" : String(now.rowsOfRun + now.restRows),
          now === undefined ? "not known" : String(now.rowsOfRun),
          now === undefined ? "not known" : now.rest === "unknown" ? "not known" : now.rest,
        ];
      }),
    ),
    paragraph(`After the revert: as counted when another login saw the units retired, at ${revert.verifiedAt ?? "an unknown time"}.`),
  ];
}

function toRow({ table: name, rowsBefore, rowsAfter, sha256Before, sha256After, expectedGrowth }: AccountedTable): readonly string[] {
  const difference =
    rowsAfter === null
      ? "not known"
      : rowsAfter === rowsBefore
        ? "0"
        : `${rowsAfter > rowsBefore ? "+" : ""}${String(rowsAfter - rowsBefore)}`;
  return [
    name,
    String(rowsBefore),
    rowsAfter === null ? "not counted" : String(rowsAfter),
    difference,
    expectedGrowth === null ? "none" : String(expectedGrowth),
    sha256After === null ? "not known" : sha256After === sha256Before ? "equal" : "changed",
  ];
}
