// Phase 9: the verifier's own record, by a login that is not the writer's. A dry run computes the row.
import { z } from "zod";
import { sha256OfJson } from "../core/digest.ts";
import { toVerdict } from "../core/verdict.ts";
import { cutplan } from "./03-cutplan.ts";
import { structuralVerify } from "./07-structural-verify.ts";
import { legBRecord } from "./08-leg-b-record.ts";
import { refuseLive, writePhase } from "./define.ts";
import { governanceRow, toRowFacts } from "./governance-row.ts";

const output = z.strictObject({ row: governanceRow });

export const writeVerify = writePhase({
  name: "write_verify",
  role: "cutter_verify",
  needs: { cutplan, structuralVerify, legBRecord },
  output,
  observe: ({ run }) => Promise.resolve(run),
  gate: () => toVerdict(),
  rehearse: (run, { cutplan, structuralVerify }) => ({
    row: {
      table: "cutter_governance.verify_result",
      values: {
        run_id: run.runId,
        document_id: run.documentId,
        payload_sha: cutplan.payloadSha,
        result: structuralVerify.checks.every((check) => check.holds) ? "pass" : "fail",
        checks_sha256: sha256OfJson(structuralVerify.checks),
        units_checked: structuralVerify.units,
      },
    },
  }),
  apply: refuseLive("write_verify"),
  probe: refuseLive("write_verify"),
  undo: { how: "runbook", page: "runbooks/emergency-revert.md" },
  text: ({ row }) => ({ summary: "the verifier's row computed, not inserted", facts: [["role", "cutter_verify"], ...toRowFacts([row])] }),
});
