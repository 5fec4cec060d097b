// Phase 3: the plan people approve: every unit with its address, and the state of the rows it starts from.
import { z } from "zod";
import { toCutPlan, toPlannedUnits } from "../core/plan/cutplan.ts";
import { parseDocCode } from "../core/plan/address.ts";
import { cutPlanSchema, type PlannedUnit } from "../core/plan/schema.ts";
import { toPayloadSha, toPlanText } from "../core/plan/payload.ts";
import { refuseIf, toVerdict } from "../core/run/verdict.ts";
import { sourcePin } from "./01-source-pin.ts";
import { mark } from "./02-mark.ts";
import { readPhase } from "./define.ts";
import { sha256 } from "./schemas.ts";

const output = z.strictObject({ plan: cutPlanSchema, payloadSha: sha256, unitsThere: z.int(), addressesTaken: z.array(z.string()) });

export const cutplan = readPhase({
  name: "cutplan",
  needs: { sourcePin, mark },
  output,
  observe: async ({ database }, { sourcePin, mark }) => {
    const docCode = parseDocCode(sourcePin.registry.docCode);
    const units = toPlannedUnits(docCode, Buffer.from(sourcePin.body, "utf8"), mark);
    const digest = await database.readDocumentDigest(
      sourcePin.documentId,
      units.map((unit) => unit.address),
    );
    const plan = toCutPlan({
      documentId: sourcePin.documentId,
      docCode,
      sourceRevision: sourcePin.revision,
      marked: mark,
      fromDigest: digest.sha256,
      units,
    });
    return { plan, digest };
  },
  precondition: ({ digest }) => {
    const taken = digest.plannedAddressesTaken;
    return toVerdict(refuseIf(taken.length > 0, "ADDRESSES_TAKEN", { count: taken.length, first: taken[0] ?? "" }));
  },
  conclude: ({ plan, digest }) => ({
    plan,
    payloadSha: toPayloadSha(plan),
    unitsThere: digest.unitCount,
    addressesTaken: [...digest.plannedAddressesTaken],
  }),
  files: ({ plan }) => [{ name: "plan.json", content: toPlanText(plan) }],
  text: ({ plan, payloadSha, unitsThere, addressesTaken }) => ({
    summary: `${String(plan.units.length)} units planned, payload_sha ${payloadSha.slice(0, 12)}…`,
    facts: [
      ["payload_sha", payloadSha],
      ["from_digest", plan.fromDigest],
      ["units planned", plan.units.length],
      ["units of this document there now", unitsThere],
      ["planned addresses taken", addressesTaken.length],
      ["source sha256", plan.sourceSha256],
    ],
    sections: [{ title: "Units", body: toUnitTable(plan.units) }],
  }),
});

const shownUnitsMax = 200;

function toUnitTable(units: readonly PlannedUnit[]): string {
  const rows = units
    .slice(0, shownUnitsMax)
    .map((unit) => `| ${String(unit.ordinal)} | \`${unit.address}\` | ${unit.kind} | ${String(unit.byteStart)}–${String(unit.byteEnd)} |`);
  const more =
    units.length > shownUnitsMax
      ? ["", `And ${String(units.length - shownUnitsMax)} more; the whole plan is plan.json in the run's folder.`]
      : [];
  return ["| # | address | kind | bytes |", "|---|---|---|---|", ...rows, ...more].join("\n");
}
