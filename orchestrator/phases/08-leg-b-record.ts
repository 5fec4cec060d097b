// Phase 8: the governance records of the cut, by the governance principal. A dry run computes the rows; what only a cut or a
// signature can give (review_decision_id, to_digest, fingerprints) is null there.
import { z } from "zod";
import { toCanonicalJson } from "../core/canonical-json.ts";
import { sha256Hex } from "../core/digest.ts";
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
  rehearse: (run, { sourcePin, cutplan }) => {
    const manifest = toCanonicalJson(cutplan.plan.units.map((unit) => ({ address: unit.address, sha256: unit.sha256 })));
    const { registry } = sourcePin;
    return {
      principal: run.config.governance_principal,
      rows: [
        {
          table: "cutter_governance.cut_change_set",
          values: { source_document_id: registry.sourceDocumentId, source_version_id: registry.sourceVersionId, run_id: run.runId, review_decision_id: null, payload_sha: cutplan.payloadSha, from_digest: cutplan.plan.fromDigest, to_digest: null, unit_count: cutplan.plan.units.length },
        },
        { table: "cutter_governance.manifest_envelope", values: { run_id: run.runId, manifest_sha256: sha256Hex(manifest) } },
        { table: "cutter_governance.dot_pair_signature", values: { run_id: run.runId, signer_role: "sovereign", key_fingerprint: null, signature_sha256: null, approval_kb_id: run.approvals.SG_1 ?? null } },
      ],
    };
  },
  live: refuseLive("leg_b_record"),
  undo: { how: "runbook", page: "runbooks/emergency-revert.md" },
  text: ({ principal, rows }) => ({
    summary: `${String(rows.length)} governance rows computed, none inserted`,
    facts: [["principal", principal], ...toRowFacts(rows)],
  }),
});
