// Phase 7: bytes, tree, counts and addresses equal the plan, as another login reads them back. A dry run verifies what leg A would have
// written.
import { z } from "zod";
import { checkLossless } from "../core/plan/cutplan.ts";
import { CutterError } from "../core/errors.ts";
import { refuseIf, toVerdict } from "../core/run/verdict.ts";
import { sourcePin } from "./01-source-pin.ts";
import { cutplan } from "./03-cutplan.ts";
import { cutLegA } from "./06-cut-leg-a.ts";
import { readBack } from "./read-back.ts";
import { readPhase } from "./define.ts";

const check = z.strictObject({ name: z.string(), holds: z.boolean() });
const output = z.strictObject({ source: z.enum(["plan", "database"]), units: z.int(), checks: z.array(check) });

export const structuralVerify = readPhase({
  name: "structural_verify",
  needs: { sourcePin, cutplan, cutLegA },
  output,
  observe: async (ports, needs) => {
    const planned = toChecks(Buffer.from(needs.sourcePin.body, "utf8"), needs.cutplan.plan.units, needs.cutLegA.calls);
    if (ports.run.mode === "dryrun") return { source: "plan" as const, units: needs.cutplan.plan.units.length, planned, read: [] };
    const read = await readBack(ports, needs);
    return { source: "database" as const, units: read.units, planned, read: read.checks };
  },
  precondition: ({ planned, read }) =>
    toVerdict(
      ...planned.map((found) => refuseIf(!found.holds, "STRUCTURE_BROKEN", { check: found.name })),
      ...read.map((found) => refuseIf(!found.holds, "READ_BACK_DIFFERS", { check: found.name })),
    ),
  conclude: ({ source, units, planned, read }) => ({ source, units, checks: [...planned, ...read] }),
  text: ({ source, units, checks }) => ({
    summary:
      `${String(checks.filter((found) => found.holds).length)} of ${String(checks.length)} structural checks hold for ` +
      `${String(units)} units ${source === "plan" ? "of the plan" : "read back from the database"}`,
    facts: checks.map((found) => [found.name, found.holds ? "holds" : "BROKEN"] as const),
  }),
});

type Unit = z.output<typeof cutplan.output>["plan"]["units"][number];
type Call = z.output<typeof cutLegA.output>["calls"][number];

/** Each check a sentence. Pure. */
function toChecks(
  bytes: Uint8Array,
  units: readonly Unit[],
  calls: readonly Call[],
): readonly { readonly name: string; readonly holds: boolean }[] {
  const seen = new Set<string>();
  const parentsFirst = units.every((unit) => {
    const holds = unit.parent === null || seen.has(unit.parent);
    seen.add(unit.address);
    return holds;
  });
  return [
    { name: "the units' bytes in order are the document", holds: isLossless(bytes, units) },
    { name: "ordinals count from 0 without a gap", holds: units.every((unit, index) => unit.ordinal === index) },
    { name: "addresses are unique", holds: new Set(units.map((unit) => unit.address)).size === units.length },
    { name: "every parent stands before its children", holds: parentsFirst },
    {
      name: "one call a unit, in the plan's order, with the plan's digests",
      holds:
        calls.length === units.length &&
        calls.every((call, index) => call.canonical_address === units[index]?.address && call.body_sha256 === units[index]?.sha256),
    },
    { name: "idempotency keys are unique", holds: new Set(calls.map((call) => call.idempotency_key)).size === calls.length },
  ];
}

function isLossless(bytes: Uint8Array, units: readonly Unit[]): boolean {
  try {
    checkLossless(bytes, units);
    return true;
  } catch (error) {
    if (error instanceof CutterError) return false;
    throw error;
  }
}
