// A test server with the adapters of a live run on it, and a document's steps as requests: for tests of what each step leaves and what breaks it.
import { randomUUID } from "node:crypto";
import type { Client } from "pg";
import { openEvidence, type EvidenceLogs } from "../../orchestrator/adapters/postgres/evidence.ts";
import { openProductionDatabase } from "../../orchestrator/adapters/postgres/production-database.ts";
import { openRecorders } from "../../orchestrator/adapters/postgres/recorders.ts";
import type { DatabaseSettings, LoginSettings } from "../../orchestrator/adapters/postgres/settings.ts";
import { openWriteDatabase } from "../../orchestrator/adapters/postgres/write-database.ts";
import type { WriteLimits } from "../../orchestrator/adapters/postgres/write-transaction.ts";
import type { ProductionDatabase } from "../../orchestrator/ports/database.ts";
import type { CreateUnits, EnactUnits, LegBRecord, ReviewDecisionRow, WriteDatabase } from "../../orchestrator/ports/write-database.ts";
import { registerDocument, type CutDocument } from "./cut-by-sql.ts";
import { startPostgres, type TestPostgres } from "./postgres.ts";
import { toTestSettings } from "./production-database.ts";
import { makePermission } from "./write-permission.ts";

export const sourceText = "# One\n\nĐiều 1.\r\n## Two\n\nText.\n## Three\n\nEnd without newline";

/** Limits that end in the time of a test; what a test is not about stays long. */
const patient: WriteLimits = { connectTimeoutMs: 5_000, lockTimeoutMs: 20_000, statementTimeoutMs: 30_000, idleTimeoutMs: 30_000, transactionTimeoutMs: 30_000, commitTimeoutMs: 20_000 };

export interface WriterOptions {
  readonly login?: Partial<LoginSettings>; // of every login: another port
  readonly limits?: Partial<WriteLimits>;
  readonly settings?: DatabaseSettings;
  /** Before the n-th look at the document's digest (1, 2). */
  readonly beforeDigest?: (look: number) => Promise<void>;
}

export interface WriteWorld {
  readonly server: TestPostgres;
  readonly admin: Client;
  readonly database: ProductionDatabase;
  readonly evidence: EvidenceLogs;
  readonly recorders: ReturnType<typeof openRecorders>;
  writer(options?: WriterOptions): WriteDatabase;
  toDecision(document: CutDocument, change?: Partial<ReviewDecisionRow>): ReviewDecisionRow;
  /** SG_1's row. @returns its UUID */
  decide(document: CutDocument): Promise<string>;
  toCreate(document: CutDocument, decisionId: string): Promise<CreateUnits>;
  /** A document with SG_1's row, and what creates its units. */
  prepareCreate(): Promise<{ readonly document: CutDocument; readonly request: CreateUnits }>;
  /** A document whose units stand, with SG_2's row, and what enacts them. */
  prepareEnact(): Promise<{ readonly document: CutDocument; readonly request: EnactUnits }>;
  /** A document whose units stand, and its change set. */
  prepareLegB(): Promise<{ readonly document: CutDocument; readonly record: LegBRecord }>;
  /** Resolves when a session of this role waits for a lock. */
  untilWaiting(role: string): Promise<void>;
  /** Sessions of this role now. */
  countSessions(role: string): Promise<number>;
  stop(): Promise<void>;
}

export async function startWriteWorld(): Promise<WriteWorld> {
  const server = await startPostgres();
  const admin = await server.connect("workflow_admin");
  const settings = toTestSettings(server);
  const evidence = openEvidence();
  const database = openProductionDatabase(settings, "directus_secdef", evidence);
  const recorders = openRecorders(settings, "ab".repeat(32), { evidence });

  const writer = ({ login = {}, limits = {}, settings: given = settings, beforeDigest }: WriterOptions = {}): WriteDatabase => {
    const { logins } = given;
    const through = (one: LoginSettings): LoginSettings => ({ ...one, ...login });
    const changed = { logins: { context_pack_readonly: logins.context_pack_readonly, cutter_exec: through(logins.cutter_exec), cutter_verify: through(logins.cutter_verify), governance: logins.governance === null ? null : through(logins.governance) } };
    let looks = 0;
    const readDigest = async (documentId: string, addresses: readonly string[]) => {
      await beforeDigest?.(++looks);
      return await database.readDocumentDigest(documentId, addresses);
    };
    return openWriteDatabase(changed, readDigest, { quick: { ...patient, ...limits }, large: { ...patient, ...limits } });
  };
  const toDecision: WriteWorld["toDecision"] = (document, change = {}) => ({
    id: randomUUID(), sourceDocumentId: document.sourceDocumentId, phase: "cut_leg_a", gate: "SG_1", runId: document.runId, decision: "approve", payloadSha: document.payloadSha,
    approvalKbId: "knowledge/other/sg-1.md", approvalSha256: "a".repeat(64), ...change,
  });
  const insertDecision = async (document: CutDocument, change: Partial<ReviewDecisionRow>): Promise<string> => {
    const row = toDecision(document, change);
    await writer().insertReviewDecision(makePermission(document.runId, row.gate).permission, document.documentId, row);
    return row.id;
  };
  const decide = (document: CutDocument): Promise<string> => insertDecision(document, {});
  const toCreate: WriteWorld["toCreate"] = async (document, decisionId) => {
    const bytes = Buffer.from(sourceText, "utf8");
    return {
      runId: document.runId, documentId: document.documentId, plannedAddresses: document.addresses, reviewDecisionId: decisionId,
      fromDigest: (await database.readDocumentDigest(document.documentId, document.addresses)).sha256,
      units: document.plan.units.map((unit) => ({
        idempotencyKey: `${document.runId}:${String(unit.ordinal)}`, address: unit.address, docCode: document.docCode, parent: unit.parent, kind: unit.kind, ordinal: unit.ordinal, headingPath: unit.title,
        byteStart: unit.byteStart, byteEnd: unit.byteEnd, bodySha256: unit.sha256, sourceVersionId: document.sourceVersionId, body: bytes.subarray(unit.byteStart, unit.byteEnd).toString("utf8"),
      })),
    };
  };
  const prepareCreate: WriteWorld["prepareCreate"] = async () => {
    const document = await registerDocument(server);
    return { document, request: await toCreate(document, await decide(document)) };
  };
  const create = async (): Promise<{ readonly document: CutDocument; readonly request: CreateUnits }> => {
    const prepared = await prepareCreate();
    await writer().createUnits(makePermission(prepared.document.runId, "cut_leg_a").permission, prepared.request);
    return prepared;
  };
  return {
    server, admin, database, evidence, recorders, writer, toDecision, decide, toCreate, prepareCreate,
    prepareEnact: async () => {
      const { document } = await create();
      const reviewDecisionId = await insertDecision(document, { phase: "lifecycle_enact", gate: "SG_2" });
      const units = await recorders.readUnits(document.documentId, document.runId);
      return {
        document,
        request: { runId: document.runId, documentId: document.documentId, units: units.map((unit) => ({ idempotencyKey: unit.idempotencyKey, address: unit.address, toState: "enacted", reviewDecisionId, expectedVersionId: unit.versionId })) },
      };
    },
    prepareLegB: async () => {
      const { document, request } = await create();
      const { sha256: toDigest } = await database.readDocumentDigest(document.documentId, document.addresses);
      return {
        document,
        record: {
          runId: document.runId, documentId: document.documentId, sourceDocumentId: document.sourceDocumentId, sourceVersionId: document.sourceVersionId, reviewDecisionId: request.reviewDecisionId,
          payloadSha: document.payloadSha, fromDigest: request.fromDigest, toDigest, unitCount: 3, manifest: "[]", manifestSha256: "4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945",
          signatures: [{ signerRole: "sovereign", keyFingerprint: "A".repeat(40), signatureSha256: "b".repeat(64), approvalKbId: "knowledge/other/sg-1.md" }],
        },
      };
    },
    untilWaiting: async (role) => {
      for (let waiting = 0; waiting === 0; ) waiting = (await admin.query("select 1 from pg_stat_activity where usename = $1 and wait_event_type = 'Lock'", [role])).rows.length;
    },
    countSessions: async (role) => (await admin.query("select 1 from pg_stat_activity where usename = $1", [role])).rows.length,
    stop: async () => {
      await Promise.allSettled([recorders.close(), database.close()]);
      await server.stop();
    },
  };
}
