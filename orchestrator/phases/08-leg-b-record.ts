// Phase 8: the governance records of the cut, by the governance principal. A dry run computes the rows.
import { z } from "zod";
import { sha256OfJson } from "../core/digest.ts";
import { refuseIf, toVerdict } from "../core/verdict.ts";
import { sourcePin } from "./01-source-pin.ts";
import { cutplan } from "./03-cutplan.ts";
import { cutLegA } from "./06-cut-leg-a.ts";
import { structuralVerify } from "./07-structural-verify.ts";
import { refuseLive, writePhase } from "./define.ts";
import { governanceRow, toRowFacts } from "./governance-row.ts";

const output = z.strictObject({ principal: z.string().nullable(), rows: z.array(governanceRow) });

export const legBRecord = writePhase({
  name: "leg_b_record",
  role: "governance principal",
  needs: { sourcePin, cutplan, cutLegA, structuralVerify },
  output,
  observe: ({ run }) => Promise.resolve(run),
  gate: ({ config }) => toVerdict(refuseIf(config.governance_principal === null, "PRINCIPAL_NOT_PINNED", { step: "leg_b_record" })),
  rehearse: (run, { sourcePin, cutplan, cutLegA }) => ({
    principal: run.config.governance_principal,
    rows: [
      {
        table: "cutter_governance.cut_change_set",
        values: { run_id: run.runId, document_id: run.documentId, source_version_id: sourcePin.registry.sourceVersionId, payload_sha: cutplan.payloadSha, from_digest: cutplan.plan.fromDigest, unit_count: cutplan.plan.units.length },
      },
      {
        table: "cutter_governance.manifest_envelope",
        values: { run_id: run.runId, document_id: run.documentId, payload_sha: cutplan.payloadSha, manifest_sha256: sha256OfJson(cutplan.plan.units.map((unit) => [unit.address, unit.sha256])), release_sha256: run.releaseSha256 },
      },
      {
        table: "cutter_governance.dot_pair_signature",
        values: { run_id: run.runId, document_id: run.documentId, leg_a_sha256: cutLegA.callsSha256, leg_b_sha256: cutplan.payloadSha },
      },
    ],
  }),
  apply: refuseLive("leg_b_record"),
  probe: refuseLive("leg_b_record"),
  undo: { how: "runbook", page: "runbooks/emergency-revert.md" },
  text: ({ principal, rows }) => ({
    summary: `${String(rows.length)} governance rows computed, none inserted`,
    facts: [["principal", principal], ...toRowFacts(rows)],
  }),
});
