// One row a live run would insert into cutter_governance.
import { z } from "zod";

export const governanceRow = z.strictObject({
  table: z.string(),
  values: z.record(z.string(), z.union([z.string(), z.number(), z.null()])),
});

/** `column of table` → value, for the phase's document. Pure. */
export function toRowFacts(rows: readonly z.output<typeof governanceRow>[]): readonly (readonly [string, string | number | null])[] {
  return rows.flatMap((row) => Object.entries(row.values).map(([column, value]) => [`${row.table}.${column}`, value] as const));
}
