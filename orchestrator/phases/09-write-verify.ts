// Phase 9: the verifier's own record, after a second look of its own, by a login that is not the writer's: the database itself keeps them
// apart. A dry run computes the row.
import { z } from "zod";
import { toEffectSha256, type RowEffect } from "../core/journal/effect.ts";
import { CutterError } from "../core/errors.ts";
import { refuseIf, toVerdict } from "../core/run/verdict.ts";
import type { VerifyResultRow } from "../ports/write-database.ts";
import { sourcePin } from "./01-source-pin.ts";
import { cutplan } from "./03-cutplan.ts";
import { cutLegA } from "./06-cut-leg-a.ts";
import { structuralVerify } from "./07-structural-verify.ts";
import { legBRecord } from "./08-leg-b-record.ts";
import { writePhase } from "./define.ts";
import { governanceRow, toRowFacts } from "./governance-row.ts";
import { toLayer } from "./layers.ts";
import { readBack } from "./read-back.ts";

const landed = z.strictObject({ verifiedBy: z.string() });
const output = z.strictObject({ row: governanceRow, landed: landed.nullable() });

export const writeVerify = writePhase({
  name: "write_verify",
  role: "cutter_verify",
  needs: { sourcePin, cutplan, cutLegA, structuralVerify, legBRecord },
  output,
  observe: async (ports, needs) => ({
    run: ports.run,
    broken: ports.run.mode === "dryrun" ? [] : (await readBack(ports, needs)).checks.filter(({ holds }) => !holds).map(({ name }) => name),
  }),
  precondition: ({ broken }) => toVerdict(...broken.map((check) => refuseIf(true, "READ_BACK_DIFFERS", { check }))),
  rehearse: ({ run }, { structuralVerify }) => ({
    row: {
      table,
      values: {
        run_id: run.runId,
        verdict: structuralVerify.checks.every((check) => check.holds) ? "pass" : "fail",
        units_checked: structuralVerify.units,
        to_digest: null,
      },
    },
    landed: null,
  }),
  live: {
    effect: "rows",
    expectedSha256: ({ runId }, _history, needs) => toEffectSha256([toRow(toResult(runId, needs))]),
    probe: async ({ run, recorders }, needs) => {
      const found = await recorders.readVerifyResult(needs.cutplan.plan.documentId, requireLegB(needs).changeSetId, run.runId);
      const layer = toLayer(found === null ? [] : [toRow(found)], 1);
      return { unique: layer, recorder: layer }; // the row under its unique key is its own record
    },
    apply: ({ run, writeDatabase }, needs, _evidence, permission) =>
      writeDatabase.insertVerifyResult(permission, toResult(run.runId, needs)),
    conclude: async ({ run, recorders }, needs) => {
      const expected = toRow(toResult(run.runId, needs));
      const found = await recorders.readVerifyResult(needs.cutplan.plan.documentId, requireLegB(needs).changeSetId, run.runId);
      if (found === null || toEffectSha256([toRow(found)]) !== toEffectSha256([expected]))
        throw new CutterError("READ_BACK_DIFFERS", { step: "write_verify", expected: 1, found: found === null ? 0 : 1 });
      return { row: { table, values: { ...expected.values } }, landed: { verifiedBy: found.verifiedBy } };
    },
  },
  undo: { how: "runbook", page: "runbooks/emergency-revert.md" },
  text: ({ row, landed }) => ({
    summary:
      landed === null
        ? "the verifier's row computed, not inserted"
        : `a second look agrees with the plan; recorded by ${landed.verifiedBy}, which the database keeps apart from the writer`,
    facts: [["role", "cutter_verify"], ...(landed === null ? [] : ([["verified by", landed.verifiedBy]] as const)), ...toRowFacts([row])],
  }),
});

const table = "cutter_governance.verify_result";

interface ResultNeeds {
  readonly cutplan: z.output<typeof cutplan.output>;
  readonly structuralVerify: z.output<typeof structuralVerify.output>;
  readonly legBRecord: z.output<typeof legBRecord.output>;
}

function requireLegB({ legBRecord }: ResultNeeds): NonNullable<ResultNeeds["legBRecord"]["landed"]> {
  if (legBRecord.landed === null) throw new Error("leg B has not landed");
  return legBRecord.landed;
}

/** Only a pass is ever inserted: what does not agree closes the gate. Pure. */
function toResult(runId: string, needs: ResultNeeds): VerifyResultRow {
  const { changeSetId, toDigest } = requireLegB(needs);
  return {
    changeSetId,
    runId,
    documentId: needs.cutplan.plan.documentId,
    verdict: "pass",
    unitsChecked: needs.structuralVerify.units,
    toDigest,
  };
}

function toRow(result: VerifyResultRow): RowEffect {
  return {
    table,
    values: {
      change_set_id: result.changeSetId,
      run_id: result.runId,
      verdict: result.verdict,
      units_checked: result.unitsChecked,
      to_digest: result.toDigest,
    },
  };
}
