// The read-back of a cut: every unit as the read-only login finds it, compared with the plan and with the document's own bytes.
import type { z } from "zod";
import { toEffectSha256 } from "../core/journal/effect.ts";
import type { RecordedUnit } from "../ports/recorders.ts";
import type { ReadPorts } from "../ports/run-ports.ts";
import type { sourcePin } from "./01-source-pin.ts";
import type { cutplan } from "./03-cutplan.ts";
import type { cutLegA } from "./06-cut-leg-a.ts";
import { toPlannedEffects, toStoredEffects } from "./unit-effects.ts";

export interface Check {
  readonly name: string; // a sentence that holds or does not
  readonly holds: boolean;
}

export interface ReadBackNeeds {
  readonly sourcePin: z.output<typeof sourcePin.output>;
  readonly cutplan: z.output<typeof cutplan.output>;
  readonly cutLegA: z.output<typeof cutLegA.output>;
}

/** Reads everything; judges nothing but equality. */
export async function readBack(
  { run, recorders, database }: ReadPorts,
  { sourcePin, cutplan, cutLegA }: ReadBackNeeds,
): Promise<{ readonly units: number; readonly checks: readonly Check[] }> {
  const { plan } = cutplan;
  const units = await recorders.readUnits(plan.documentId, run.runId);
  const bytes = await compareBytes(recorders, plan.documentId, run.runId, Buffer.from(sourcePin.body, "utf8"));
  const digest = await database.readDocumentDigest(
    plan.documentId,
    plan.units.map((unit) => unit.address),
  );
  const planned = plan.units;
  const every = (holds: (unit: RecordedUnit, index: number) => boolean): boolean => units.length === planned.length && units.every(holds);
  return {
    units: units.length,
    checks: [
      { name: "the database holds as many units of this run as the plan", holds: units.length === planned.length },
      { name: "the stored bodies in order are the document, byte for byte", holds: bytes },
      {
        name: "each stored body has the plan's digest, and the recorded digest is the stored body's",
        holds: every((unit, index) => unit.storedBodySha256 === planned[index]?.sha256 && unit.bodySha256 === unit.storedBodySha256),
      },
      {
        name: "addresses, kinds and ordinals are the plan's",
        holds: every(
          (unit, index) => unit.address === planned[index]?.address && unit.kind === planned[index]?.kind && unit.ordinal === index,
        ),
      },
      { name: "the tree is the plan's", holds: every((unit, index) => unit.parent === planned[index]?.parent) },
      {
        name: "byte ranges are the plan's",
        holds: every((unit, index) => unit.byteStart === planned[index]?.byteStart && unit.byteEnd === planned[index]?.byteEnd),
      },
      {
        name: "everything else leg A was to write stands as it was called for",
        holds: toEffectSha256(toStoredEffects(units)) === toEffectSha256(toPlannedEffects(cutLegA.calls)),
      },
      {
        name: "each unit was made by this run, and its version is the current one",
        holds: every((unit) => unit.createdByRun === run.runId && unit.isCurrent && unit.versionNo === 1),
      },
      { name: "each unit is a draft: nothing is in force yet", holds: every((unit) => unit.lifecycleState === "draft") },
      { name: "the document's rows did not move since leg A", holds: digest.sha256 === cutLegA.landed?.toDigest },
    ],
  };
}

/** As they come, so that no second copy of the document is held. */
async function compareBytes(recorders: ReadPorts["recorders"], documentId: string, runId: string, source: Buffer): Promise<boolean> {
  let position = 0;
  let equal = true;
  await recorders.readBodies(documentId, runId, (_ordinal, body) => {
    equal &&= source.subarray(position, position + body.length).equals(body);
    position += body.length;
  });
  return equal && position === source.length;
}
