// A document cut by SQL: registered, decided, created and enacted through the canonical functions by the programme's logins, as a live run
// leaves it.
import { createHash, randomUUID } from "node:crypto";
import type { Client } from "pg";
import type { CutPlan } from "../../../orchestrator/core/plan/schema.ts";
import { toPlanText } from "../../../orchestrator/core/plan/payload.ts";
import type { TestPostgres } from "./postgres.ts";

const sha = (text: string): string => createHash("sha256").update(text).digest("hex");

export interface CutDocument {
  readonly runId: string;
  readonly docCode: string;
  readonly documentId: string; // of the knowledge base
  readonly sourceDocumentId: string;
  readonly sourceVersionId: string;
  readonly plan: CutPlan;
  readonly planText: string;
  readonly payloadSha: string;
  readonly addresses: readonly string[];
}

const bodies = ["# One\n\nĐiều 1.\r\n", "## Two\n\nText.\n", "## Three\n\nEnd without newline"] as const;

/** The plan and its registry rows; no decision, no unit yet. */
export async function registerDocument(
  server: TestPostgres,
  options: { readonly runId?: string; readonly fromDigest?: string } = {},
): Promise<CutDocument> {
  const docCode = `doc-${randomUUID().slice(0, 8)}`;
  const documentId = `knowledge/other/${docCode}.md`;
  const source = bodies.join("");
  const application = await server.connect("directus"); // as `document add` does
  const {
    rows: [document],
  } = await application.query<{ id: string }>(
    "insert into cutter_governance.source_document_registry (kb_document_id, doc_code, title) values ($1, $2, 'A document') returning id",
    [documentId, docCode],
  );
  const sourceDocumentId = document?.id ?? "";
  const {
    rows: [version],
  } = await application.query<{ id: string }>(
    "insert into cutter_governance.source_document_version_registry (source_document_id, version_no, kb_revision, sha256, " +
      "byte_length) values ($1, 1, 1, $2, $3) returning id",
    [sourceDocumentId, sha(source), Buffer.byteLength(source)],
  );
  await application.end();
  return toCutDocument({ documentId, docCode, sourceDocumentId, sourceVersionId: version?.id ?? "" }, options);
}

/** Its plan, around the registry's rows. */
export function toCutDocument(
  rows: Pick<CutDocument, "documentId" | "docCode" | "sourceDocumentId" | "sourceVersionId">,
  options: { readonly runId?: string; readonly fromDigest?: string } = {},
): CutDocument {
  const { documentId, docCode } = rows;
  const source = bodies.join("");
  const starts = bodies.map((_, index) => Buffer.byteLength(bodies.slice(0, index).join("")));
  const names = ["one", "one/two", "one/three"];
  const plan: CutPlan = {
    schema: "cutter.plan/1",
    documentId,
    docCode,
    sourceSha256: sha(source),
    sourceBytes: Buffer.byteLength(source),
    sourceRevision: 1,
    fromDigest: options.fromDigest ?? "0".repeat(64),
    units: bodies.map((body, ordinal) => ({
      address: `${docCode}/${names[ordinal] ?? ""}`,
      kind: "section",
      parent: ordinal === 0 ? null : `${docCode}/one`,
      ordinal,
      level: ordinal === 0 ? 1 : 2,
      title: ["One", "Two", "Three"][ordinal] ?? "",
      byteStart: starts[ordinal] ?? 0,
      byteEnd: (starts[ordinal] ?? 0) + Buffer.byteLength(body),
      sha256: sha(body),
    })),
  };
  const planText = toPlanText(plan);
  return {
    ...rows,
    runId: options.runId ?? `run-${docCode}`,
    plan,
    planText,
    payloadSha: sha(planText),
    addresses: plan.units.map(({ address }) => address),
  };
}

/** SG_1's row, by the governance login: the run's claim. Gives its UUID. */
export async function decide(
  server: TestPostgres,
  document: CutDocument,
  phase: "cut_leg_a" | "lifecycle_enact",
  runId = document.runId,
): Promise<string> {
  const governance = await server.connect("directus_secdef");
  const id = randomUUID();
  await governance.query(
    "insert into cutter_governance.review_decision (id, source_document_id, phase, gate, run_id, decision, payload_sha, " +
      "approval_kb_id, approval_sha256) values ($1, $2, $3, $4, $5, 'approve', $6, 'knowledge/x.md', $6)",
    [id, document.sourceDocumentId, phase, phase === "cut_leg_a" ? "SG_1" : "SG_2", runId, document.payloadSha],
  );
  await governance.end();
  return id;
}

/** Leg A: every unit of the plan, by cutter_exec's function alone. */
export async function createUnits(server: TestPostgres, document: CutDocument, decisionId: string): Promise<void> {
  const exec = await server.connect("cutter_exec");
  for (const unit of document.plan.units) {
    await callFunction(exec, "select public.fn_iu_create($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, null) as answer", [
      `${document.runId}:${String(unit.ordinal)}`,
      document.runId,
      unit.address,
      document.docCode,
      unit.parent,
      unit.kind,
      unit.ordinal,
      bodies[unit.ordinal],
      unit.sha256,
      unit.title,
      unit.byteStart,
      unit.byteEnd,
      document.sourceVersionId,
      decisionId,
    ]);
  }
  await exec.end();
}

/** Lifecycle, by cutter_exec's other function. */
async function enactUnits(server: TestPostgres, document: CutDocument, decisionId: string, runId = document.runId): Promise<void> {
  const exec = await server.connect("cutter_exec");
  const reader = await server.connect("context_pack_readonly");
  for (const unit of document.plan.units) {
    const {
      rows: [row],
    } = await reader.query<{ id: string }>("select current_version_id as id from public.information_unit where canonical_address = $1", [
      unit.address,
    ]);
    await callFunction(exec, "select public.fn_iu_enact($1, $2, $3, 'enacted', $4, $5) as answer", [
      `${runId}:enact:${String(unit.ordinal)}`,
      runId,
      unit.address,
      decisionId,
      row?.id,
    ]);
  }
  await exec.end();
  await reader.end();
}

/** Leg B and the verification, each by its login. */
async function recordGovernance(server: TestPostgres, document: CutDocument, decisionId: string): Promise<void> {
  const governance = await server.connect("directus_secdef");
  const {
    rows: [set],
  } = await governance.query<{ id: string }>(
    "insert into cutter_governance.cut_change_set (source_document_id, source_version_id, run_id, review_decision_id, " +
      "payload_sha, from_digest, to_digest, unit_count) values ($1, $2, $3, $4, $5, $6, $6, $7) returning id",
    [
      document.sourceDocumentId,
      document.sourceVersionId,
      document.runId,
      decisionId,
      document.payloadSha,
      document.plan.fromDigest,
      document.plan.units.length,
    ],
  );
  await governance.query(
    "insert into cutter_governance.manifest_envelope (change_set_id, run_id, manifest, manifest_sha256) values ($1, $2, '{}', $3)",
    [set?.id, document.runId, sha("{}")],
  );
  await governance.query(
    "insert into cutter_governance.dot_pair_signature (change_set_id, run_id, signer_role, key_fingerprint, " +
      "signature_sha256, approval_kb_id) values ($1, $2, 'sovereign', $3, $4, 'knowledge/x.md')",
    [set?.id, document.runId, "A".repeat(40), "a".repeat(64)],
  );
  await governance.end();
  const verify = await server.connect("cutter_verify");
  await verify.query(
    "insert into cutter_governance.verify_result (change_set_id, run_id, verdict, units_checked, to_digest) values ($1, $2, " +
      "'pass', $3, $4)",
    [set?.id, document.runId, document.plan.units.length, document.plan.fromDigest],
  );
  await verify.end();
}

/** Everything a live run leaves in the database, from decision to lifecycle. */
export async function cutDocument(server: TestPostgres, options: { readonly runId?: string } = {}): Promise<CutDocument> {
  const document = await registerDocument(server, options);
  await cutRegistered(server, document);
  return document;
}

export async function cutRegistered(server: TestPostgres, document: CutDocument): Promise<void> {
  const cut = await decide(server, document, "cut_leg_a");
  await createUnits(server, document, cut);
  await recordGovernance(server, document, cut);
  await enactUnits(server, document, await decide(server, document, "lifecycle_enact"));
}

async function callFunction(client: Client, text: string, values: readonly unknown[]): Promise<void> {
  const {
    rows: [row],
  } = await client.query<{ answer: { refused: boolean; reason?: string } }>(text, [...values]);
  if (row?.answer.refused !== false) throw new Error(`refused: ${row?.answer.reason ?? "no answer"}`);
}
