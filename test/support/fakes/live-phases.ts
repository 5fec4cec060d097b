// The phases of a live run for tests of the engine: the real ones where they only look, and small ones where they write, of the same names and effects.
import { z } from "zod";
import { toEffectSha256, type Layer, type RowEffect, type UnitEffect } from "../../../orchestrator/core/effect.ts";
import { sha256Hex } from "../../../orchestrator/core/digest.ts";
import { toVerdict } from "../../../orchestrator/core/verdict.ts";
import { sourcePin } from "../../../orchestrator/phases/01-source-pin.ts";
import { mark } from "../../../orchestrator/phases/02-mark.ts";
import { cutplan } from "../../../orchestrator/phases/03-cutplan.ts";
import { grantProbe } from "../../../orchestrator/phases/05-grant-probe.ts";
import { readPhase, writePhase, type Phase } from "../../../orchestrator/phases/define.ts";
import type { RunFacts, RunHistory } from "../../../orchestrator/ports/run-ports.ts";

const told = z.strictObject({ count: z.int() });
const text = ({ count }: { readonly count: number }) => ({ summary: `${String(count)} there`, facts: [["count", count] as const] });
const undo = { how: "runbook", page: "runbooks/emergency-revert.md" } as const;
const open = { output: told, gate: () => toVerdict(), text, undo };
const facts = { observe: (ports: { readonly run: RunFacts }) => Promise.resolve(ports.run), rehearse: () => ({ count: 0 }) };

type Plan = z.output<typeof cutplan.output>["plan"];

const toUnits = (run: RunFacts, { units, docCode }: Plan): readonly UnitEffect[] =>
  units.map((unit) => ({ idempotencyKey: `${run.runId}:${String(unit.ordinal)}`, address: unit.address, docCode, parent: unit.parent, kind: unit.kind, ordinal: unit.ordinal, headingPath: unit.title, byteStart: unit.byteStart, byteEnd: unit.byteEnd, bodySha256: unit.sha256, sourceVersionId: "v" }));
const toLayer = (found: number, expected: number, sha256: string): Layer => (found === 0 ? { state: "none" } : found < expected ? { state: "partial", found, expected } : { state: "there", sha256 });
const idOf = (history: RunHistory, gate: "SG_1" | "SG_2"): string => history.decided[gate]?.reviewDecisionId ?? "undecided";

const preWriteBackup = writePhase({
  ...open, ...facts, name: "pre_write_backup", role: "filesystem", needs: { cutplan },
  live: {
    effect: "file",
    apply: async (ports, { cutplan: { plan } }, run, permission) => {
      const dump = await ports.dumpSource.open({ snapshotId: "00000003-0000001B-1", tables: ports.database.backupTables });
      const made = await ports.backups.make(permission, { dump, destination: `${run.config.sidecar_root}/${run.runId}/backup.gpg`, recipientKeyFile: "backup.asc", recipientFingerprint: run.config.backup_gpg_fpr, documentId: run.documentId, plannedAddresses: [], fromDigest: plan.fromDigest });
      return { count: made.ciphertextBytes };
    },
  },
});

const cutLegA = writePhase({
  ...open, ...facts, name: "cut_leg_a", role: "cutter_exec", needs: { cutplan, preWriteBackup },
  live: {
    effect: "rows",
    expectedSha256: (run, _history, { cutplan: { plan } }) => toEffectSha256(toUnits(run, plan)),
    probe: async ({ recorders, run }, { cutplan: { plan } }) => {
      const found = await recorders.readUnits(run.documentId, run.runId);
      const asLeft = found.map(({ idempotencyKey, address, docCode, parent, kind, ordinal, headingPath, byteStart, byteEnd, bodySha256, sourceVersionId }) => ({ idempotencyKey, address, docCode, parent, kind, ordinal, headingPath, byteStart, byteEnd, bodySha256, sourceVersionId }));
      const layer = toLayer(found.length, plan.units.length, toEffectSha256(asLeft));
      return { unique: layer, recorder: layer };
    },
    apply: async (ports, { cutplan: { plan } }, run, permission) => {
      const units = toUnits(run, plan).map((unit) => ({ ...unit, body: "" }));
      await ports.writeDatabase.createUnits(permission, { runId: run.runId, documentId: run.documentId, fromDigest: plan.fromDigest, plannedAddresses: units.map(({ address }) => address), reviewDecisionId: idOf(ports.history, "SG_1"), units });
    },
    conclude: async ({ recorders, run }) => ({ count: (await recorders.readUnits(run.documentId, run.runId)).length }),
  },
});

const structuralVerify = readPhase({ ...open, name: "structural_verify", needs: { cutLegA }, observe: ({ recorders, run }) => recorders.readUnits(run.documentId, run.runId), conclude: (units) => ({ count: units.length }) });

const toChange = (run: RunFacts, history: RunHistory): readonly RowEffect[] => [{ table: "cut_change_set", values: { run_id: run.runId, review_decision_id: idOf(history, "SG_1") } }];

const legBRecord = writePhase({
  ...open, ...facts, name: "leg_b_record", role: "governance principal", needs: { sourcePin, cutplan, structuralVerify },
  live: {
    effect: "rows",
    expectedSha256: (run, history) => toEffectSha256(toChange(run, history)),
    probe: async ({ recorders, run, history }, { sourcePin: { registry } }) => {
      const found = await recorders.readLegB(run.documentId, registry.sourceDocumentId, run.runId);
      const layer = toLayer(found === null ? 0 : 1, 1, found === null ? "" : toEffectSha256([{ table: "cut_change_set", values: { run_id: found.record.runId, review_decision_id: found.record.reviewDecisionId } }]));
      return { unique: layer, recorder: layer, history };
    },
    apply: async (ports, { sourcePin: { registry }, cutplan: { plan, payloadSha } }, run, permission) =>
      ports.writeDatabase.recordLegB(permission, { runId: run.runId, documentId: run.documentId, sourceDocumentId: registry.sourceDocumentId, sourceVersionId: registry.sourceVersionId, reviewDecisionId: idOf(ports.history, "SG_1"), payloadSha, fromDigest: plan.fromDigest, toDigest: plan.fromDigest, unitCount: plan.units.length, manifest: "[]", manifestSha256: sha256Hex("[]"), signatures: [] }),
    conclude: () => Promise.resolve({ count: 1 }),
  },
});

const writeVerify = writePhase({
  ...open, ...facts, name: "write_verify", role: "cutter_verify", needs: { sourcePin, legBRecord },
  live: {
    effect: "rows",
    expectedSha256: (run) => toEffectSha256([{ table: "verify_result", values: { run_id: run.runId } }]),
    probe: async ({ recorders, run }, { sourcePin: { registry } }) => {
      const legB = await recorders.readLegB(run.documentId, registry.sourceDocumentId, run.runId);
      const found = legB === null ? null : await recorders.readVerifyResult(run.documentId, legB.changeSetId, run.runId);
      const layer = toLayer(found === null ? 0 : 1, 1, toEffectSha256([{ table: "verify_result", values: { run_id: found?.runId ?? "" } }]));
      return { unique: layer, recorder: layer };
    },
    apply: async (ports, { sourcePin: { registry } }, run, permission) => {
      const legB = await ports.recorders.readLegB(run.documentId, registry.sourceDocumentId, run.runId);
      await ports.writeDatabase.insertVerifyResult(permission, { changeSetId: legB?.changeSetId ?? "", runId: run.runId, documentId: run.documentId, verdict: "pass", unitsChecked: 1, toDigest: "" });
    },
    conclude: () => Promise.resolve({ count: 1 }),
  },
});

const lifecycleEnact = writePhase({
  ...open, ...facts, name: "lifecycle_enact", role: "cutter_exec", needs: { cutplan, writeVerify },
  live: {
    effect: "rows",
    expectedSha256: (run, history, { cutplan: { plan } }) => toEffectSha256(toUnits(run, plan).map(({ idempotencyKey, address }) => ({ idempotencyKey, address, toState: "enacted", reviewDecisionId: idOf(history, "SG_2") }))),
    probe: async ({ recorders, run }, { cutplan: { plan } }) => {
      const found = await recorders.readEnacted(run.documentId, run.runId);
      const layer = toLayer(found.length, plan.units.length, toEffectSha256(found.map(({ idempotencyKey, address, toState, reviewDecisionId }) => ({ idempotencyKey, address, toState, reviewDecisionId: reviewDecisionId ?? "" }))));
      return { unique: layer, recorder: layer };
    },
    apply: async (ports, { cutplan: { plan } }, run, permission) =>
      ports.writeDatabase.enactUnits(permission, { runId: run.runId, documentId: run.documentId, units: toUnits(run, plan).map(({ idempotencyKey, address }) => ({ idempotencyKey, address, toState: "enacted", reviewDecisionId: idOf(ports.history, "SG_2"), expectedVersionId: "v" })) }),
    conclude: async ({ recorders, run }) => ({ count: (await recorders.readEnacted(run.documentId, run.runId)).length }),
  },
});

const closeout = readPhase({ ...open, name: "closeout", needs: { lifecycleEnact }, observe: ({ recorders, run }) => recorders.readEnacted(run.documentId, run.runId), conclude: (units) => ({ count: units.length }) });

export const livePhases: readonly Phase[] = [sourcePin, mark, cutplan, preWriteBackup, grantProbe, cutLegA, structuralVerify, legBRecord, writeVerify, lifecycleEnact, closeout];
