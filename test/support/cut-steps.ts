// A document's steps as requests to the ports that write and record: for tests of what each step leaves, on whatever stands behind the
// ports.
import { randomUUID } from "node:crypto";
import type { ProductionDatabase } from "../../orchestrator/ports/database.ts";
import type { Recorders } from "../../orchestrator/ports/recorders.ts";
import type { CreateUnits, EnactUnits, LegBRecord, ReviewDecisionRow, WriteDatabase } from "../../orchestrator/ports/write-database.ts";
import type { CutDocument } from "./database/cut-by-sql.ts";
import { makePermission } from "./write-permission.ts";

export const sourceText = "# One\n\nĐiều 1.\r\n## Two\n\nText.\n## Three\n\nEnd without newline";

export interface CutPorts {
  readonly recorders: Recorders;
  readonly database: Pick<ProductionDatabase, "readDocumentDigest">;
  readonly writeDatabase: WriteDatabase;
  /** A new document with its registry rows, and no decision or unit yet. */
  register(): Promise<CutDocument>;
}

export interface CutSteps {
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
}

export function toCutSteps({ recorders, database, writeDatabase, register }: CutPorts): CutSteps {
  const toDecision: CutSteps["toDecision"] = (document, change = {}) => ({
    id: randomUUID(),
    sourceDocumentId: document.sourceDocumentId,
    phase: "cut_leg_a",
    gate: "SG_1",
    runId: document.runId,
    decision: "approve",
    payloadSha: document.payloadSha,
    approvalKbId: "knowledge/other/sg-1.md",
    approvalSha256: "a".repeat(64),
    ...change,
  });
  const insertDecision = async (document: CutDocument, change: Partial<ReviewDecisionRow>): Promise<string> => {
    const row = toDecision(document, change);
    await writeDatabase.insertReviewDecision(makePermission(document.runId, row.gate).permission, document.documentId, row);
    return row.id;
  };
  const decide = (document: CutDocument): Promise<string> => insertDecision(document, {});
  const toCreate: CutSteps["toCreate"] = async (document, decisionId) => {
    const bytes = Buffer.from(sourceText, "utf8");
    return {
      runId: document.runId,
      documentId: document.documentId,
      plannedAddresses: document.addresses,
      reviewDecisionId: decisionId,
      fromDigest: (await database.readDocumentDigest(document.documentId, document.addresses)).sha256,
      units: document.plan.units.map((unit) => ({
        idempotencyKey: `${document.runId}:${String(unit.ordinal)}`,
        address: unit.address,
        docCode: document.docCode,
        parent: unit.parent,
        kind: unit.kind,
        ordinal: unit.ordinal,
        headingPath: unit.title,
        byteStart: unit.byteStart,
        byteEnd: unit.byteEnd,
        bodySha256: unit.sha256,
        sourceVersionId: document.sourceVersionId,
        body: bytes.subarray(unit.byteStart, unit.byteEnd).toString("utf8"),
      })),
    };
  };
  const prepareCreate: CutSteps["prepareCreate"] = async () => {
    const document = await register();
    return { document, request: await toCreate(document, await decide(document)) };
  };
  const create = async (): Promise<{ readonly document: CutDocument; readonly request: CreateUnits }> => {
    const prepared = await prepareCreate();
    await writeDatabase.createUnits(makePermission(prepared.document.runId, "cut_leg_a").permission, prepared.request);
    return prepared;
  };
  return {
    toDecision,
    decide,
    toCreate,
    prepareCreate,
    prepareEnact: async () => {
      const { document } = await create();
      const reviewDecisionId = await insertDecision(document, { phase: "lifecycle_enact", gate: "SG_2" });
      const units = await recorders.readUnits(document.documentId, document.runId);
      return {
        document,
        request: {
          runId: document.runId,
          documentId: document.documentId,
          units: units.map((unit) => ({
            idempotencyKey: unit.idempotencyKey,
            address: unit.address,
            toState: "enacted",
            reviewDecisionId,
            expectedVersionId: unit.versionId,
          })),
        },
      };
    },
    prepareLegB: async () => {
      const { document, request } = await create();
      const { sha256: toDigest } = await database.readDocumentDigest(document.documentId, document.addresses);
      return {
        document,
        record: {
          runId: document.runId,
          documentId: document.documentId,
          sourceDocumentId: document.sourceDocumentId,
          sourceVersionId: document.sourceVersionId,
          reviewDecisionId: request.reviewDecisionId,
          payloadSha: document.payloadSha,
          fromDigest: request.fromDigest,
          toDigest,
          unitCount: 3,
          manifest: "[]",
          manifestSha256: "4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945",
          signatures: [
            {
              signerRole: "sovereign",
              keyFingerprint: "A".repeat(40),
              signatureSha256: "b".repeat(64),
              approvalKbId: "knowledge/other/sg-1.md",
            },
          ],
        },
      };
    },
  };
}
