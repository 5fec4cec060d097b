// cutter approval upload: an approval given as a file goes into the knowledge base, receipted, before anything relies on it. Root verifies
// it with the host's keys; cutter uploads.
import { buildCommand } from "@stricli/core";
import { z } from "zod";
import { loadConfig } from "../config/load.ts";
import { toApprovalId, toSignatureId } from "../core/approval/document-ids.ts";
import { isOutdated } from "../core/approval/freshness.ts";
import { toApprovalScope } from "../core/approval/scope.ts";
import { toApprovedDecisions, type Ruling } from "../core/approval/schema.ts";
import { parseApproval } from "../core/approval/parse.ts";
import { approvalBytesMax } from "../core/approval/block.ts";
import { verifyApproval, type VerifiedApproval } from "../core/approval/verify.ts";
import { sha256Hex } from "../core/encoding/digest.ts";
import { CutterError } from "../core/errors.ts";
import { hostLayout } from "../core/host/layout.ts";
import { isKbId } from "../core/knowledge-base/id.ts";
import { parseRunId } from "../core/run-id.ts";
import { readHostKeys } from "../trust/host-keys.ts";
import { readPlainFile } from "../trust/plain-file.ts";
import { storeUnlessTaken } from "../uploads/receipt.ts";
import type { KbDocument, KbReceipt, KnowledgeBase } from "../ports/knowledge-base.ts";
import { readApprovalFacts, readSignatures } from "./approval-inputs.ts";
import type { CutterContext, Services } from "./context.ts";
import { commonFlags, print, parseString, type CommonFlags } from "./flags.ts";
import { tryParseJson } from "../core/encoding/try-parse-json.ts";

interface Flags extends CommonFlags {
  readonly "run-id": string;
  readonly signature?: readonly string[];
}

export const approvalUploadCommand = buildCommand<Flags, [string], CutterContext>({
  docs: {
    brief: "Verify an approval given as a file and store it in the knowledge base, with receipts; as root",
    fullDescription:
      "Verifies document and signatures with the keys pinned on this host and against the run's dry run, then stores the " +
      "document and each signature in the knowledge base as user cutter and reads them back. An approval that stands there " +
      "already is overwritten only once it is too old for its gate. As cutter, FILE is - and the verified documents come on " +
      "stdin.",
  },
  parameters: {
    flags: {
      ...commonFlags,
      "run-id": { kind: "parsed", parse: parseString, brief: "Which run it is for", placeholder: "R" },
      signature: {
        kind: "parsed",
        parse: parseString,
        brief: "Detached signature; without it FILE.asc, FILE.sovereign.asc, FILE.architect.asc are taken",
        optional: true,
        variadic: true,
        placeholder: "FILE.asc",
      },
    },
    positional: { kind: "tuple", parameters: [{ brief: "Approval document", parse: parseString, placeholder: "FILE" }] },
  },
  func: async function (this: CutterContext, flags, file) {
    const { services } = this;
    const runId = parseRunId(flags["run-id"], { allowDryRunSuffix: false });
    if (file === "-") return printReceipts(this, flags, await store(services, runId));
    const envelope = toEnvelope(await readAndVerify(services, flags, file), await readRunsFolder(services), runId);
    const args = ["approval", "upload", "--run-id", runId, ...(flags.json ? ["--json"] : []), "-"];
    const exitCode = await services.runAsCutterWith(args, JSON.stringify(envelope));
    if (exitCode === null) throw new CutterError("NOT_ROOT", { verb: "approval upload" });
    this.process.exitCode = exitCode;
  },
});

interface VerifiedUpload {
  readonly approval: VerifiedApproval;
  readonly document: Uint8Array;
  readonly signatures: readonly Uint8Array[];
}

/** By the host's pins, never by keys that somebody names here. @throws APPROVAL_*, KEY_* */
async function readAndVerify(services: Services, flags: Flags, file: string): Promise<VerifiedUpload> {
  const document = await readPlainFile(services.files, file, approvalBytesMax);
  const { signatures, signatureFiles } = await readSignatures(services.files, file, flags.signature);
  const keys = await readHostKeys(services.files, hostLayout);
  const facts = await readApprovalFacts(services, flags["run-id"]);
  const expected = toApprovalScope(facts.run, facts);
  const approval = await verifyApproval({ document, signatures, signatureFiles, keys, expected, now: services.clock.now() });
  if (approval.approval.gate === "REVERT") throw new CutterError("APPROVAL_UPLOAD_UNFIT", { gate: "REVERT", run_id: expected.runId });
  return { approval, document, signatures };
}

const envelopeSchema = z.strictObject({
  schema: z.literal("cutter.approval-envelope/1"),
  run_id: z.string(),
  documents: z
    .array(z.strictObject({ id: z.string().refine(isKbId), title: z.string(), body: z.string() }))
    .min(2)
    .max(3),
});
type Envelope = z.infer<typeof envelopeSchema>;

/** The document first: a signature without its document is of no use to anybody. */
function toEnvelope({ approval, document, signatures }: VerifiedUpload, runsFolder: string, runId: string): Envelope {
  const { gate } = approval.approval;
  const id = toApprovalId(runsFolder, runId, approval.approval);
  const runs = toApprovedDecisions(approval.approval)
    .map((decision) => decision.run_id)
    .join(", ");
  const signed = approval.signers.map(({ role, signatureSha256 }) => {
    const bytes = signatures.find((candidate) => sha256Hex(candidate) === signatureSha256);
    if (bytes === undefined) throw new Error(`no signature file of the ${role}`);
    return { id: toSignatureId(id, gate, role), title: `${gate} of ${runId}, signature of the ${role}`, body: toText(bytes) };
  });
  return {
    schema: "cutter.approval-envelope/1",
    run_id: runId,
    documents: [{ id, title: `${gate} of ${runs}`, body: toText(document) }, ...signed],
  };
}

/** As cutter: what root verified, and nothing outside this run's folder of approvals. */
async function store(services: Services, runId: string): Promise<readonly KbReceipt[]> {
  const envelope = envelopeSchema.safeParse(tryParseJson(await services.readInput()));
  const config = await loadConfig(services.files, services.paths.config);
  const folder = `${config.value.kb_runs_folder}/${runId.toLowerCase()}/approvals/`;
  if (!envelope.success || envelope.data.run_id !== runId || !envelope.data.documents.every(({ id }) => id.startsWith(folder))) {
    throw new CutterError("APPROVAL_UPLOAD_UNFIT", { run_id: runId, problem: "stdin does not hold what root verified for this run" });
  }
  const engine = await services.openEngine(config.value, services.toReporter({ json: true }));
  try {
    const [approval, ...signatures] = envelope.data.documents;
    const outdated = (current: KbDocument): boolean => isOutdatedApproval(current, services.clock.now());
    if (approval !== undefined) await requireArchitectText(engine.ports.knowledgeBase, approval.body);
    const receipts: KbReceipt[] = [];
    if (approval !== undefined)
      receipts.push(await storeUnlessTaken(engine.ports.knowledgeBase, { ...approval, tags: ["cutter-approval"] }, outdated));
    // Its document stands and is the verified one: whatever signature stood there before is not of these bytes, or is by the same signer.
    for (const signature of signatures)
      receipts.push(await storeUnlessTaken(engine.ports.knowledgeBase, { ...signature, tags: ["cutter-approval"] }, () => true));
    return receipts;
  } finally {
    await engine.close();
  }
}

/**
 * A ruling names the architect's text by id, revision and digest: what was signed must be what stands there.
 * @throws APPROVAL_ARCHITECT_TEXT_DIFFERS, KB_*
 */
async function requireArchitectText(knowledgeBase: Pick<KnowledgeBase, "read">, body: string): Promise<void> {
  const named = toArchitectText(body);
  if (named === null) return;
  const found = await knowledgeBase.read(named.kb_id);
  if (found?.revision === named.revision && found.sha256 === named.sha256) return;
  throw new CutterError("APPROVAL_ARCHITECT_TEXT_DIFFERS", {
    kb_id: named.kb_id,
    expected_revision: named.revision,
    found_revision: found?.revision ?? null,
    expected_sha256: named.sha256,
    found_sha256: found?.sha256 ?? null,
  });
}

/** Null for every gate but a ruling. Root verified the bytes; what cannot be read as an approval here names no text. */
function toArchitectText(body: string): Ruling["architect_text"] | null {
  try {
    const approval = parseApproval(Buffer.from(body, "utf8"));
    return approval.gate === "RULING" ? approval.architect_text : null;
  } catch {
    return null;
  }
}

/** What is no approval at all is somebody's document and stays. */
function isOutdatedApproval({ body }: KbDocument, now: Date): boolean {
  try {
    return isOutdated(parseApproval(Buffer.from(body, "utf8")), now);
  } catch {
    return false;
  }
}

function printReceipts(context: CutterContext, flags: Flags, receipts: readonly KbReceipt[]): void {
  print(
    context,
    flags,
    { schema: "cutter.approval-upload/1", run_id: flags["run-id"], receipts },
    receipts.map(({ id, revision, sha256 }) => `[OK] ${id} revision ${String(revision)} sha256 ${sha256}`),
  );
}

async function readRunsFolder({ files, paths }: Services): Promise<string> {
  return (await loadConfig(files, paths.config)).value.kb_runs_folder;
}

/** Verified already, so it is UTF-8 or armor. */
function toText(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
}
