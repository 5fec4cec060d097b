// What the approval commands read: files somebody named, the keys pinned on this host, and what a dry run settled.
import { z } from "zod";
import { loadConfig } from "../config/load.ts";
import type { DraftedRun, RulingFacts } from "../core/approval-draft.ts";
import type { Keys, PinnedKeyFile } from "../core/approval-verify.ts";
import { sha256Hex } from "../core/digest.ts";
import { CutterError } from "../core/errors.ts";
import { readClaims } from "../core/gap-evidence.ts";
import { isKbId } from "../core/kb-id.ts";
import { parseRunId, toDryRunId } from "../core/run-id.ts";
import { readFingerprint } from "../core/signature.ts";
import type { Files } from "../ports/files.ts";
import type { Services } from "./context.ts";

const keyBytesMax = 64 * 1024;
const manifestBytesMax = 4 * 1024 * 1024;
const planBytesMax = 256 * 1024 * 1024;

/** A regular file within its bound; a pipe or a device would never end. @throws APPROVAL_UNREADABLE */
export async function readPlainFile(files: Files, file: string, bytesMax: number): Promise<Uint8Array> {
  const refuse = (problem: string, cause?: unknown): CutterError => new CutterError("APPROVAL_UNREADABLE", { file: file.slice(0, 300), problem }, { cause });
  const facts = await files.facts(file).catch((cause: unknown) => {
    throw refuse("cannot be looked at", cause);
  });
  if (facts === null) throw refuse("absent");
  if (facts.kind !== "file") throw refuse(`a ${facts.kind}, not a plain file`);
  if (facts.size > bytesMax) throw refuse(`larger than ${String(bytesMax)} bytes`);
  const bytes = await files.read(file).catch((cause: unknown) => {
    throw refuse("cannot be read", cause);
  });
  if (bytes === null) throw refuse("absent");
  return bytes;
}

/** A key given by the reader, with the fingerprint the reader trusts; blanks between its groups are gpg's way to print it. */
export async function readGivenKey(files: Files, file: string, fingerprint: string): Promise<PinnedKeyFile> {
  return { bytes: await readPlainFile(files, file, keyBytesMax), pin: { fingerprint: fingerprint.replaceAll(" ", "").toUpperCase(), fileSha256: null } };
}

/**
 * The keys `pulumi up` put on this host after it had judged them against the stack's pins. What pins them here is the digest in the ownership
 * manifest, which root alone may read. An architect's key that was pinned and is gone is a refusal: else one human would do.
 * @throws APPROVAL_KEY_NOT_PINNED, KEY_FILE_CHANGED, KEY_NOT_ONE_PUBLIC_KEY
 */
export async function readHostKeys(files: Files, places: { readonly keys: string; readonly ownership: string }): Promise<Keys> {
  const manifest = await readPlainFile(files, places.ownership, manifestBytesMax).catch((cause: unknown) => {
    const problem = cause instanceof CutterError ? (cause.facts["problem"] ?? null) : null;
    throw new CutterError("APPROVAL_KEY_NOT_PINNED", { manifest: places.ownership, problem }, { cause });
  });
  const claims = readClaims(Buffer.from(manifest).toString("utf8").split("\n"));
  const readHostKey = async (role: string): Promise<PinnedKeyFile | null> => {
    const file = `${places.keys}/${role}.asc`;
    const pinned = claims.get(file)?.contentSha256;
    const facts = await files.facts(file);
    if (pinned === undefined && facts === null) return null;
    if (pinned === undefined) throw new CutterError("APPROVAL_KEY_NOT_PINNED", { file, problem: "it stands there, but the ownership manifest does not pin it" });
    if (facts?.kind !== "file") throw new CutterError("APPROVAL_KEY_NOT_PINNED", { file, problem: "it is pinned, but not there as a file" });
    const bytes = await readPlainFile(files, file, keyBytesMax);
    const found = sha256Hex(bytes);
    if (found !== pinned) throw new CutterError("KEY_FILE_CHANGED", { file, expected_sha256: pinned, found_sha256: found });
    return { bytes, pin: { fingerprint: await readFingerprint(bytes), fileSha256: pinned } };
  };
  const sovereign = await readHostKey("sovereign");
  if (sovereign === null) throw new CutterError("APPROVAL_KEY_NOT_PINNED", { file: `${places.keys}/sovereign.asc`, problem: "the stack pins no sovereign key" });
  return { sovereign, architect: await readHostKey("architect") };
}

/** What an approval of a run has to name, rebuilt from this host. */
export interface RunFacts {
  readonly run: DraftedRun;
  readonly host: string;
  readonly releaseSha256: string;
  readonly wouldRefuse: readonly string[]; // codes the dry run recorded, the missing approvals left out
}

const outcomeSchema = z.looseObject({
  run_id: z.string(),
  document_id: z.string().refine(isKbId),
  mode: z.literal("dryrun"),
  result: z.string(),
  certificate: z.string().nullable(),
  payload_sha: z.string().nullable(),
  would_refuse: z.array(z.looseObject({ code: z.string() })),
});
const planSchema = z.looseObject({ documentId: z.string(), sourceSha256: z.string().regex(/^[0-9a-f]{64}$/), sourceBytes: z.int(), sourceRevision: z.int(), units: z.array(z.unknown()) });

/**
 * Reads runs/<R.dryrun>/outcome.json and plan.json: the run must be done, certified `pass`, and its plan the one whose digest it told.
 * @throws RUN_ID_INVALID, APPROVAL_DRY_RUN_UNFIT, RELEASE_UNKNOWN, CONFIG_*
 */
export async function readRunFacts(services: Services, wanted: string): Promise<RunFacts> {
  const runId = parseRunId(wanted, { allowDryRunSuffix: false });
  const config = await loadConfig(services.files, services.places.config);
  const folder = `${config.value.sidecar_root}/${toDryRunId(runId)}`;
  const unfit = (facts: Readonly<Record<string, string | null>>): CutterError => new CutterError("APPROVAL_DRY_RUN_UNFIT", { run_id: toDryRunId(runId), ...facts });
  const read = async (name: string): Promise<Uint8Array> =>
    readPlainFile(services.files, `${folder}/${name}`, planBytesMax).catch((cause: unknown) => {
      throw unfit({ file: `${folder}/${name}`, problem: cause instanceof CutterError ? String(cause.facts["problem"]) : "cannot be read" });
    });
  const outcome = outcomeSchema.safeParse(parseOrNull(await read("outcome.json")));
  if (!outcome.success) throw unfit({ file: `${folder}/outcome.json`, problem: "not the outcome of a dry run" });
  const { run_id, document_id, result, certificate, payload_sha, would_refuse } = outcome.data;
  if (run_id !== toDryRunId(runId)) throw unfit({ field: "run_id", expected: toDryRunId(runId), found: run_id.slice(0, 80) });
  if (result !== "done" || certificate !== "pass") throw unfit({ field: result === "done" ? "certificate" : "result", expected: result === "done" ? "pass" : "done", found: result === "done" ? certificate : result });
  const planBytes = await read("plan.json");
  const payloadSha = sha256Hex(planBytes);
  if (payload_sha !== payloadSha) throw unfit({ field: "payload_sha", expected: payload_sha, found: payloadSha });
  const plan = planSchema.safeParse(parseOrNull(planBytes));
  if (!plan.success || plan.data.documentId !== document_id) throw unfit({ file: `${folder}/plan.json`, problem: "not the plan of this document" });
  const release = await services.readRelease();
  const host = await services.readHostIdentity();
  if (release.sha256 === null) throw new CutterError("RELEASE_UNKNOWN", { root: release.root });
  if (host === null) throw unfit({ problem: "this machine has no /etc/machine-id, so no host can be named" });
  const { sourceSha256, sourceBytes, sourceRevision, units } = plan.data;
  return {
    run: { runId, documentId: document_id, payloadSha, units: units.length, sourceSha256, sourceBytes, sourceRevision },
    host,
    releaseSha256: release.sha256,
    wouldRefuse: would_refuse.map(({ code }) => code).filter((code) => code !== "APPROVAL_MISSING"),
  };
}

/** What a ruling names besides. @throws CONFIG_*, APPROVAL_UNREADABLE */
export async function readRulingFacts(services: Services, rollbackRunbook: string): Promise<RulingFacts> {
  const { value } = await loadConfig(services.files, services.places.config);
  const runbook = await readPlainFile(services.files, rollbackRunbook, manifestBytesMax);
  return { governancePrincipal: value.governance_principal, rollbackRunbookSha256: sha256Hex(runbook), grantMatrixSha256: value.expected_grant_matrix_sha };
}

function parseOrNull(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch {
    return null;
  }
}
