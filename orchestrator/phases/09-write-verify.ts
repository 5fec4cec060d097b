// Phase 9: the verifier's own record, by a login that is not the writer's. A dry run computes the row.
import { z } from "zod";
import { toVerdict } from "../core/verdict.ts";
import { structuralVerify } from "./07-structural-verify.ts";
import { legBRecord } from "./08-leg-b-record.ts";
import { refuseLive, writePhase } from "./define.ts";
import { governanceRow, toRowFacts } from "./governance-row.ts";

const output = z.strictObject({ row: governanceRow });

export const writeVerify = writePhase({
  name: "write_verify",
  role: "cutter_verify",
  needs: { structuralVerify, legBRecord },
  output,
  observe: ({ run }) => Promise.resolve(run),
  gate: () => toVerdict(),
  rehearse: (run, { structuralVerify }) => ({
    row: {
      table: "cutter_governance.verify_result",
      values: { run_id: run.runId, verdict: structuralVerify.checks.every((check) => check.holds) ? "pass" : "fail", units_checked: structuralVerify.units, to_digest: null },
    },
  }),
  live: refuseLive("write_verify"),
  undo: { how: "runbook", page: "runbooks/emergency-revert.md" },
  text: ({ row }) => ({ summary: "the verifier's row computed, not inserted", facts: [["role", "cutter_verify"], ...toRowFacts([row])] }),
});
