// Phase 8: the governance records of the cut, by the governance principal, in one transaction. A dry run computes the rows; what only a cut
// or a signature can give (review_decision_id, to_digest, fingerprints) is null there.
import { z } from "zod";
import { toCanonicalJson } from "../core/encoding/canonical-json.ts";
import { sha256Hex } from "../core/encoding/digest.ts";
import { toEffectSha256, type RowEffect } from "../core/journal/effect.ts";
import { CutterError } from "../core/errors.ts";
import { refuseIf, toVerdict } from "../core/run/verdict.ts";
import type { RunHistory } from "../ports/run-ports.ts";
import type { LegBRecord } from "../ports/write-database.ts";
import { sourcePin } from "./01-source-pin.ts";
import { cutplan } from "./03-cutplan.ts";
import { cutLegA } from "./06-cut-leg-a.ts";
import { structuralVerify } from "./07-structural-verify.ts";
import { requireDecision } from "./decisions.ts";
import { writePhase, type EffectRun } from "./define.ts";
import { governanceRow, toRowFacts } from "./governance-row.ts";
import { toLayer } from "./layers.ts";
import { sha256 } from "./schemas.ts";

const landed = z.strictObject({ changeSetId: z.string(), recordedBy: z.string(), toDigest: sha256 });
const output = z.strictObject({ principal: z.string().nullable(), rows: z.array(governanceRow), landed: landed.nullable() });

export const legBRecord = writePhase({
  name: "leg_b_record",
  role: "governance principal",
  needs: { sourcePin, cutplan, cutLegA, structuralVerify },
  output,
  observe: ({ run }) => Promise.resolve(run),
  precondition: ({ config }) => toVerdict(refuseIf(config.governance_principal === null, "PRINCIPAL_NOT_PINNED", { step: "leg_b_record" })),
  rehearse: (run, { sourcePin, cutplan }) => {
    const { registry } = sourcePin;
    return {
      principal: run.config.governance_principal,
      rows: [
        {
          table: changeSetTable,
          values: {
            source_document_id: registry.sourceDocumentId,
            source_version_id: registry.sourceVersionId,
            run_id: run.runId,
            review_decision_id: null,
            payload_sha: cutplan.payloadSha,
            from_digest: cutplan.plan.fromDigest,
            to_digest: null,
            unit_count: cutplan.plan.units.length,
          },
        },
        { table: envelopeTable, values: { run_id: run.runId, manifest_sha256: sha256Hex(toManifest(cutplan.plan)) } },
        {
          table: signatureTable,
          values: {
            run_id: run.runId,
            signer_role: "sovereign",
            key_fingerprint: null,
            signature_sha256: null,
            approval_kb_id: run.approvals.SG_1 ?? null,
          },
        },
      ],
      landed: null,
    };
  },
  live: {
    effect: "rows",
    expectedSha256: (run, history, needs) => toEffectSha256(toRows(toRecord(run, history, needs))),
    probe: async ({ run, history, recorders }, needs) => {
      const expected = toRows(toRecord(run, history, needs));
      const found = await recorders.readLegB(needs.cutplan.plan.documentId, needs.sourcePin.registry.sourceDocumentId, run.runId);
      if (found === null) return { unique: { state: "none" }, recorder: { state: "none" } };
      const rows = toRows(found.record);
      const isChangeSet = ({ table }: RowEffect): boolean => table === changeSetTable;
      // The change set stands under its unique key; envelope and signatures were recorded by the same transaction.
      return {
        unique: toLayer([...rows.filter(isChangeSet), ...expected.filter((row) => !isChangeSet(row))], expected.length),
        recorder: toLayer([...expected.filter(isChangeSet), ...rows.filter((row) => !isChangeSet(row))], expected.length),
      };
    },
    apply: ({ run, history, writeDatabase }, needs, _evidence, permission) =>
      writeDatabase.recordLegB(permission, toRecord(run, history, needs)),
    conclude: async ({ run, history, recorders }, needs) => {
      const expected = toRows(toRecord(run, history, needs));
      const found = await recorders.readLegB(needs.cutplan.plan.documentId, needs.sourcePin.registry.sourceDocumentId, run.runId);
      if (found === null || toEffectSha256(toRows(found.record)) !== toEffectSha256(expected))
        throw new CutterError("READ_BACK_DIFFERS", {
          step: "leg_b_record",
          expected: expected.length,
          found: found === null ? 0 : toRows(found.record).length,
        });
      return {
        principal: run.config.governance_principal,
        rows: expected.map(({ table, values }) => ({ table, values: { ...values } })),
        landed: { changeSetId: found.changeSetId, recordedBy: found.recordedBy, toDigest: found.record.toDigest },
      };
    },
  },
  undo: { how: "runbook", page: "runbooks/emergency-revert.md" },
  text: ({ principal, rows, landed }) => ({
    summary:
      landed === null
        ? `${String(rows.length)} governance rows computed, none inserted`
        : `${String(rows.length)} governance rows recorded by ${landed.recordedBy}`,
    facts: [
      ["principal", principal],
      ...(landed === null
        ? []
        : ([
            ["change set", landed.changeSetId],
            ["recorded by", landed.recordedBy],
          ] as const)),
      ...toRowFacts(rows),
    ],
  }),
});

const changeSetTable = "cutter_governance.cut_change_set";
const envelopeTable = "cutter_governance.manifest_envelope";
const signatureTable = "cutter_governance.dot_pair_signature";

/** Every unit's address and digest, in the plan's order. Pure. */
function toManifest(plan: z.output<typeof cutplan.output>["plan"]): string {
  return toCanonicalJson(plan.units.map((unit) => ({ address: unit.address, sha256: unit.sha256 })));
}

interface RecordNeeds {
  readonly sourcePin: z.output<typeof sourcePin.output>;
  readonly cutplan: z.output<typeof cutplan.output>;
  readonly cutLegA: z.output<typeof cutLegA.output>;
}

function toRecord(run: EffectRun, history: RunHistory, { sourcePin, cutplan, cutLegA }: RecordNeeds): LegBRecord {
  const decided = requireDecision(history, "SG_1");
  if (cutLegA.landed === null) throw new Error("leg A has not landed");
  const manifest = toManifest(cutplan.plan);
  return {
    runId: run.runId,
    documentId: cutplan.plan.documentId,
    sourceDocumentId: sourcePin.registry.sourceDocumentId,
    sourceVersionId: sourcePin.registry.sourceVersionId,
    reviewDecisionId: decided.reviewDecisionId,
    payloadSha: cutplan.payloadSha,
    fromDigest: cutplan.plan.fromDigest,
    toDigest: cutLegA.landed.toDigest,
    unitCount: cutplan.plan.units.length,
    manifest,
    manifestSha256: sha256Hex(manifest),
    signatures: decided.signatures.map(({ role, fingerprint, signatureSha256 }) => ({
      signerRole: role,
      keyFingerprint: fingerprint,
      signatureSha256,
      approvalKbId: decided.approvalKbId,
    })),
  };
}

/** The rows without what the database makes itself. Signatures in one order, whoever tells them. Pure. */
function toRows(record: LegBRecord): readonly RowEffect[] {
  const { runId } = record;
  const signatures = record.signatures.toSorted((one, other) =>
    `${one.signerRole} ${one.approvalKbId}` < `${other.signerRole} ${other.approvalKbId}` ? -1 : 1,
  );
  return [
    {
      table: changeSetTable,
      values: {
        source_document_id: record.sourceDocumentId,
        source_version_id: record.sourceVersionId,
        run_id: runId,
        review_decision_id: record.reviewDecisionId,
        payload_sha: record.payloadSha,
        from_digest: record.fromDigest,
        to_digest: record.toDigest,
        unit_count: record.unitCount,
      },
    },
    { table: envelopeTable, values: { run_id: runId, manifest_sha256: record.manifestSha256 } },
    ...signatures.map((signature) => ({
      table: signatureTable,
      values: {
        run_id: runId,
        signer_role: signature.signerRole,
        key_fingerprint: signature.keyFingerprint,
        signature_sha256: signature.signatureSha256,
        approval_kb_id: signature.approvalKbId,
      },
    })),
  ];
}
