// The token of the run that is live: read strictly, and judged against this host as it is now. Every doubt is a refusal; the kill switch
// turns it into "off".
import { loadConfig, loadRequest } from "../config/load.ts";
import type { Ruling } from "../core/approval/schema.ts";
import { approvalBytesMax } from "../core/approval/block.ts";
import { verifyApproval, type Keys, type PinnedKeyFile, type VerifiedApproval } from "../core/approval/verify.ts";
import { parseArmToken, tokenBytesMax, tokenFiles, toTokenFileNames, type ArmToken } from "../core/arming/token.ts";
import { sha256Hex } from "../core/encoding/digest.ts";
import { CutterError } from "../core/errors.ts";
import { readFingerprint } from "../core/signing/signature.ts";
import type { TokenVerifier } from "../kill-switch.ts";
import type { Clock } from "../ports/clock.ts";
import type { Files } from "../ports/files.ts";
import type { LiveToken, SignedDocument } from "../ports/live-token.ts";
import { fromScopeFields, toRulingScope, type ApprovalScope } from "../core/approval/scope.ts";
import { toExpectedGate } from "../core/approval/binding.ts";

export interface TokenPaths {
  readonly live: string;
  readonly keys: string;
  readonly ownerUid: number; // who must own the token: 0 on a host
}

/** What the engine works with, and the token itself. */
export interface ReadToken extends LiveToken {
  readonly token: ArmToken;
}

type Read = Pick<Files, "read" | "facts" | "list">;

const signatureBytesMax = 64 * 1024;
const keyBytesMax = 64 * 1024;

/**
 * What lies in live/<run_id>/, each file read once: root's, plain, complete, and nothing beside it; keys and ruling have the digests the
 * token names. Says nothing yet about signatures and time: that is `requireLiveToken`. @throws TOKEN_INVALID, KEY_*
 */
export async function readLiveToken(files: Read, paths: TokenPaths, runId: string): Promise<ReadToken> {
  const folder = `${paths.live}/${runId}`;
  const refuse = (facts: Readonly<Record<string, string | number | null>>): CutterError =>
    new CutterError("TOKEN_INVALID", { folder, ...facts });
  await requireOwned(files, folder, "folder", paths.ownerUid, refuse);
  const read = async (name: string, bytesMax: number): Promise<Uint8Array> => {
    await requireOwned(files, `${folder}/${name}`, "file", paths.ownerUid, refuse, bytesMax);
    const bytes = await files.read(`${folder}/${name}`);
    if (bytes === null || bytes.length > bytesMax) throw refuse({ file: name, problem: bytes === null ? "absent" : "too large" });
    return bytes;
  };
  const token = parseArmToken(await read(tokenFiles.token, tokenBytesMax));
  if (token.run_id !== runId) throw refuse({ field: "run_id", expected: runId, found: token.run_id });
  const names = (await files.list(folder)) ?? [];
  const wanted = toTokenFileNames(token);
  if (names.toSorted().join("\n") !== wanted.join("\n"))
    throw refuse({ problem: "other files than the token names", expected: wanted.join(","), found: names.join(",").slice(0, 300) });
  requireStartedInTime(token, Buffer.from(await read(tokenFiles.startedAt, 64)).toString("latin1"), refuse);
  const ruling = await read(tokenFiles.ruling, approvalBytesMax);
  if (sha256Hex(ruling) !== token.ruling_sha256)
    throw refuse({ field: "ruling_sha256", expected: token.ruling_sha256, found: sha256Hex(ruling) });
  const signatures = [
    await read(tokenFiles.rulingSovereign, signatureBytesMax),
    ...(token.keys.architect === null ? [] : [await read(tokenFiles.rulingArchitect, signatureBytesMax)]),
  ];
  const escalation = await readDecision(token, read, refuse);
  const keys = await readTokenKeys(files, paths, token);
  return {
    token,
    payloadSha: token.payload_sha,
    start: token.start,
    starts: token.starts,
    ruling: { document: ruling, signatures },
    escalation,
    escalationKbId: token.decision?.kb_id ?? null,
    keys,
  };
}

type Refuse = (facts: Readonly<Record<string, string | number | null>>) => CutterError;

async function requireOwned(
  files: Read,
  path: string,
  kind: "file" | "folder",
  uid: number,
  refuse: Refuse,
  bytesMax = Infinity,
): Promise<void> {
  const facts = await files.facts(path);
  const problem =
    facts === null
      ? "absent"
      : facts.kind !== kind
        ? `a ${facts.kind}`
        : facts.uid !== uid
          ? "another owner"
          : (facts.mode & 0o022) !== 0
            ? "open to others"
            : facts.size > bytesMax
              ? "too large"
              : null;
  if (problem !== null) throw refuse({ file: path, problem });
}

/** Root noted when it moved the token to live/: a token that had expired by then was never started. */
function requireStartedInTime(token: ArmToken, text: string, refuse: Refuse): void {
  const startedAt = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z\n$/.test(text) ? Date.parse(text.trim()) : NaN;
  const inTime = startedAt >= Date.parse(token.issued_at) && startedAt <= Date.parse(token.expires_at);
  if (!inTime)
    throw refuse({ field: "started_at", expected: `between ${token.issued_at} and ${token.expires_at}`, found: text.slice(0, 40) });
}

async function readDecision(
  token: ArmToken,
  read: (name: string, bytesMax: number) => Promise<Uint8Array>,
  refuse: Refuse,
): Promise<SignedDocument | null> {
  if (token.decision === null) return null;
  const document = await read(tokenFiles.decision, approvalBytesMax);
  const found = sha256Hex(document);
  if (found !== token.decision.document_sha256)
    throw refuse({ field: "decision.document_sha256", expected: token.decision.document_sha256, found });
  return { document, signatures: [await read(tokenFiles.decisionSignature, signatureBytesMax)] };
}

/** A change of any key pinned when the run was armed ends the authority: the file must still be that one. */
async function readTokenKeys(files: Read, paths: TokenPaths, token: ArmToken): Promise<Keys> {
  const readKey = async (role: "sovereign" | "architect" | "backup", pin: ArmToken["keys"]["sovereign"]): Promise<PinnedKeyFile> => {
    const file = `${paths.keys}/${role}.asc`;
    const facts = await files.facts(file);
    if (facts?.kind !== "file" || facts.size > keyBytesMax)
      throw new CutterError("KEY_FILE_CHANGED", { file, problem: "not the file that was pinned" });
    const bytes = (await files.read(file)) ?? new Uint8Array();
    const found = sha256Hex(bytes);
    if (found !== pin.sha256) throw new CutterError("KEY_FILE_CHANGED", { file, expected_sha256: pin.sha256, found_sha256: found });
    const fingerprint = await readFingerprint(bytes);
    if (fingerprint !== pin.fingerprint)
      throw new CutterError("KEY_FINGERPRINT_MISMATCH", { file, expected: pin.fingerprint, found: fingerprint });
    return { bytes, pin: { fingerprint: pin.fingerprint, fileSha256: pin.sha256 } };
  };
  await readKey("backup", token.keys.backup);
  const sovereign = await readKey("sovereign", token.keys.sovereign);
  if (token.keys.architect !== null) return { sovereign, architect: await readKey("architect", token.keys.architect) };
  // Pinned since: then one signature is not enough any more.
  if ((await files.facts(`${paths.keys}/architect.asc`)) !== null)
    throw new CutterError("KEY_FILE_CHANGED", {
      file: `${paths.keys}/architect.asc`,
      problem: "a second signer's key was pinned after arming",
    });
  return { sovereign, architect: null };
}

/** What the host must say for the token to hold. */
export interface TokenEnvironment {
  readonly files: Read;
  readonly paths: TokenPaths & { readonly config: string; readonly requests: string; readonly rollbackRunbook: string };
  readonly clock: Pick<Clock, "now">;
  readReleaseSha256(): Promise<string | null>;
  readHostIdentity(): Promise<string | null>;
}

export interface VerifiedToken extends ReadToken {
  readonly verifiedRuling: VerifiedApproval;
  readonly verifiedDecision: VerifiedApproval | null;
}

/** The live token, verified against this host and this moment. @throws TOKEN_INVALID, KEY_*, APPROVAL_*, REQUEST_*, CONFIG_* */
export async function requireLiveToken(world: TokenEnvironment, runId: string): Promise<VerifiedToken> {
  const { files, paths } = world;
  const live = await readLiveToken(files, paths, runId);
  const { token, keys } = live;
  const refuse = (field: string, expected: string | null, found: string): CutterError =>
    new CutterError("TOKEN_INVALID", { field, expected, found });
  const request = await loadRequest(files, `${paths.requests}/${runId}.yaml`);
  const same: readonly (readonly [field: string, measured: string | null, told: string])[] = [
    ["request_sha256", request.sha256, token.request_sha256],
    ["mode", request.value.mode, "live"],
    ["document_id", request.value.document_id, token.document_id],
    ["release_sha256", await world.readReleaseSha256(), token.release_sha256],
    ["host", await world.readHostIdentity(), token.host],
  ];
  for (const [field, measured, told] of same) if (measured !== told) throw refuse(field, measured, told);
  const now = world.clock.now();
  const config = (await loadConfig(files, paths.config)).value;
  const runbook = await files.read(paths.rollbackRunbook);
  if (runbook === null) throw refuse("rollback_runbook", null, "absent");
  const bound = fromScopeFields(token);
  const ruling = toRulingScope(config, sha256Hex(runbook));
  const verifiedRuling = await verifyApproval({ ...live.ruling, keys, expected: { ...bound, ...toExpectedGate("RULING"), ruling }, now });
  requireSameRuling(token, verifiedRuling, refuse);
  return { ...live, verifiedRuling, verifiedDecision: await verifyDecision(live, bound, now, refuse) };
}

/** What the kill switch asks: any error whatever is a no. */
export function tokenVerifier(world: TokenEnvironment): TokenVerifier {
  return async (runId, folder) => {
    try {
      return folder === `${world.paths.live}/${runId}` && (await requireLiveToken(world, runId)).token.run_id === runId;
    } catch {
      return false;
    }
  };
}

/** The token repeats what root read in the ruling; the signed text decides, so they must agree. */
function requireSameRuling(
  token: ArmToken,
  verified: VerifiedApproval,
  refuse: (field: string, expected: string, found: string) => CutterError,
): void {
  const ruling = verified.approval as Ruling;
  const same: readonly (readonly [field: string, signed: string, told: string])[] = [
    ["starts", String(ruling.starts), String(token.starts)],
    ["accepts", ruling.accepts.join(","), token.accepts.join(",")],
    ["human_signers", String(verified.humanSigners), String(token.human_signers)],
  ];
  for (const [field, signed, told] of same) if (signed !== told) throw refuse(field, signed, told);
  if (Date.parse(token.expires_at) > Date.parse(ruling.expires_at)) throw refuse("expires_at", ruling.expires_at, token.expires_at);
}

async function verifyDecision(
  live: ReadToken,
  bound: ApprovalScope,
  now: Date,
  refuse: (field: string, expected: string, found: string) => CutterError,
): Promise<VerifiedApproval | null> {
  const tokenDecision = live.token.decision;
  if (tokenDecision === null || live.escalation === null) return null;
  const verified = await verifyApproval({
    ...live.escalation,
    keys: live.keys,
    expected: { ...bound, gate: "SG_3", decision: tokenDecision.decision, phase: tokenDecision.phase },
    now,
  });
  if (verified.approval.review_decision_id !== tokenDecision.review_decision_id)
    throw refuse("decision.review_decision_id", verified.approval.review_decision_id, tokenDecision.review_decision_id);
  return verified;
}
