// How many rows a live run adds to each table in scope, and how many were added. Pure.
import { z } from "zod";

export const tableGrowthSchema = z.strictObject({ table: z.string(), expected: z.int(), found: z.int() });
export type TableGrowth = z.infer<typeof tableGrowthSchema>;

/**
 * From the plan alone: one unit, one version and one lifecycle row each; two decisions; leg B's rows; one verification. Every other table
 * in scope: none.
 */
export function toExpectedGrowth(units: number, legBTables: readonly string[]): ReadonlyMap<string, number> {
  const expected = new Map([
    ["public.information_unit", units],
    ["public.unit_version", units],
    ["public.iu_lifecycle_log", units],
    ["cutter_governance.review_decision", 2],
    ["cutter_governance.verify_result", 1],
  ]);
  for (const table of legBTables) expected.set(table, (expected.get(table) ?? 0) + 1);
  return expected;
}

/** Every table in scope, in its order. */
export function toGrowth(
  tables: readonly { readonly table: string; readonly rowsBefore: number; readonly rowsAfter: number }[],
  expected: ReadonlyMap<string, number>,
): readonly TableGrowth[] {
  return tables.map(({ table, rowsBefore, rowsAfter }) => ({ table, expected: expected.get(table) ?? 0, found: rowsAfter - rowsBefore }));
}
