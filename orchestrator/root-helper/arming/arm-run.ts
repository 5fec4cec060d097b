// arm R: the reviewed flip of the kill switch. Everything is judged again on the host, one start is spent, and only then does the token
// appear.
import { type Approval, type Ruling, toUnaccepted } from "../../core/approval/schema.ts";
import { toApprovalId } from "../../core/approval/document-ids.ts";
import { toApprovalScope, toRulingScope, toScopeFields, type ApprovalScope } from "../../core/approval/scope.ts";
import { verifyApproval, type Keys, type VerifiedApproval } from "../../core/approval/verify.ts";
import { armMinutesMax, parseArmToken, tokenFiles, type ArmToken } from "../../core/arming/token.ts";
import type { OrchestratorConfig } from "../../core/config-schema.ts";
import { sha256Hex } from "../../core/encoding/digest.ts";
import { CutterError, toCase } from "../../core/errors.ts";
import type { Gap } from "../../core/gaps/gaps.ts";
import { hostLayout } from "../../core/host/layout.ts";
import type { Spending } from "../../core/arming/ledger-record.ts";
import { rulingArchive } from "../../core/gaps/archived-rulings.ts";
import { parseRunId, type RunId } from "../../core/run-id.ts";
import { readDryRun, type DryRun } from "../../trust/dry-run.ts";
import { readHostKey, readHostKeys } from "../../trust/host-keys.ts";
import { readHostScope } from "../../trust/host-scope.ts";
import { readPlainFile } from "../../trust/plain-file.ts";
import type { Host } from "../files/host.ts";
import { hostFiles } from "../files/host-files.ts";
import { archiveDocument } from "../state/archive-document.ts";
import { recordAudit, requireWholeLedger, spend } from "../state/ledger.ts";
import { readConfig, readRequestFile, type RequestFile } from "../files/settings.ts";
import { readStaged, type Staged } from "./staged.ts";
import { installToken, isLatched, removeExpiredTokens, toIsoSeconds } from "../state/token.ts";
import { requireRoom } from "./require-room.ts";
import { findUnfinishedRuns } from "./find-unfinished-runs.ts";
import { toExpectedGate } from "../../core/approval/binding.ts";

export interface ArmEnvironment {
  readonly host: Host;
  readonly now: () => Date;
  readonly readGaps: () => Promise<readonly Gap[]>;
}

export interface ArmReport {
  readonly schema: "cutter.arm/1";
  readonly run_id: string;
  readonly document_id: string;
  readonly payload_sha: string;
  readonly expires_at: string;
  readonly start: number;
  readonly starts: number;
  readonly human_signers: 1 | 2;
  readonly accepts: readonly string[];
  readonly decision: "resume" | "void" | null;
  readonly ruling_sha256: string;
  readonly expired_removed: readonly string[]; // run ids of tokens that nobody had started in time
  readonly unfinished: readonly string[]; // other live runs of this host that have written and are not finished
}

const runbookBytesMax = 4 * 1024 * 1024;

/**
 * Arms one run, or refuses and leaves everything as it was. Order: nothing else armed or live, a way back, room on the disk, the request,
 * the dry run, the signatures, the gaps; then the start is spent, then the audit line, then the token. A refusal after the spending says
 * that it was spent.
 * @throws ENABLE_*, REVERT_PRINCIPAL_NOT_PINNED, DISK_FULL, GAPS_OPEN, RULING_SPENT, APPROVAL_*, KEY_*, LEDGER_*, REQUEST_*,
 * CONFIG_INVALID, HOST_FILE_*, RUN_ID_INVALID
 */
export async function arm(world: ArmEnvironment, idText: string): Promise<ArmReport> {
  const runId = parseRunId(idText, { allowDryRunSuffix: false });
  const { host } = world;
  try {
    const expired = await requireNothingArmed(world, runId);
    const config = readConfig(host);
    if (config.revert_principal === null) throw new CutterError("REVERT_PRINCIPAL_NOT_PINNED", { run_id: runId });
    await requireRoom(host, config, runId);
    const facts = await readFacts(host, runId, config);
    const staged = readStaged(host, runId);
    const verified = await verifyStaged(staged, facts, world.now());
    requireAccepted(facts.dryRun, verified.ruling.approval);
    await requireGapsClosed(world);
    requireWholeLedger(host);
    const token = await toToken(world, facts, verified);
    return {
      ...grant(world, runId, staged, token, verified),
      expired_removed: expired,
      unfinished: await findUnfinishedRuns(hostFiles(host), config.sidecar_root, runId),
    };
  } catch (error) {
    if (error instanceof CutterError) auditRefusal(world, runId, error);
    throw error;
  }
}

/** The refusal stays the one that is thrown, whatever becomes of its line in the audit log. */
function auditRefusal({ host, now }: ArmEnvironment, runId: RunId, error: CutterError): void {
  try {
    recordAudit(host, "enable_refused", { run_id: runId, code: error.code, ...toCase(error) }, now());
  } catch (cause) {
    if (!(cause instanceof CutterError)) throw cause;
  }
}

/** Nothing disabled, armed or live; what expired before anybody started it is taken away first. */
async function requireNothingArmed({ host, now }: ArmEnvironment, runId: RunId): Promise<readonly string[]> {
  if (isLatched(host)) throw new CutterError("ENABLE_LATCHED", { run_id: runId, latch: hostLayout.latch });
  const files = hostFiles(host);
  const expired = removeExpiredTokens(host, (await files.list(hostLayout.armed)) ?? [], now());
  const armed = (await files.list(hostLayout.armed)) ?? [];
  const live = (await files.list(hostLayout.live)) ?? [];
  if (armed.includes(runId) || live.includes(runId)) throw new CutterError("ENABLE_ALREADY", { run_id: runId, armed, live });
  if (armed.length + live.length > 0) throw new CutterError("ENABLE_ALREADY", { reason: "another_run", run_id: runId, armed, live });
  return expired;
}

interface ArmFacts {
  readonly runId: RunId;
  readonly config: OrchestratorConfig;
  readonly request: RequestFile;
  readonly dryRun: DryRun;
  readonly keys: Keys;
  readonly backup: { readonly fingerprint: string; readonly sha256: string };
  readonly scope: ApprovalScope;
  readonly runbookSha256: string;
}

/** What this host says, without a look at what was signed. */
async function readFacts(host: Host, runId: RunId, config: OrchestratorConfig): Promise<ArmFacts> {
  const files = hostFiles(host);
  const request = readRequestFile(host, runId);
  const dryRun = await readDryRun(files, config.sidecar_root, runId);
  const unfit = (problem: string): CutterError => new CutterError("ENABLE_REQUEST_UNFIT", { run_id: runId, problem });
  if (request.value.mode !== "live") throw unfit(`its mode is ${request.value.mode}`);
  if (request.value.document_id !== dryRun.run.documentId) throw unfit("it names another document than the dry run");
  for (const gate of ["SG_1", "SG_2"] as const)
    if (request.value.approvals[gate] === undefined) throw unfit(`it names no approval for ${gate}`);
  const scope = toApprovalScope(dryRun.run, await readHostScope(files));
  const backup = await readHostKey(files, hostLayout, "backup");
  if (backup === null)
    throw new CutterError("APPROVAL_KEY_NOT_PINNED", { file: `${hostLayout.keys}/backup.asc`, problem: "the stack pins no backup key" });
  return {
    runId,
    config,
    request,
    dryRun,
    keys: await readHostKeys(files, hostLayout),
    backup: { fingerprint: backup.pin.fingerprint, sha256: sha256Hex(backup.bytes) },
    scope,
    runbookSha256: sha256Hex(await readPlainFile(files, hostLayout.rollbackRunbook, runbookBytesMax)),
  };
}

interface VerifiedStaging {
  readonly ruling: VerifiedApproval & { readonly approval: Ruling };
  readonly decision: (VerifiedApproval & { readonly approval: Extract<Approval, { gate: "SG_3" }> }) | null;
}

async function verifyStaged(staged: Staged, facts: ArmFacts, now: Date): Promise<VerifiedStaging> {
  const { scope } = facts;
  const ruling = { documentSha256: facts.dryRun.run.sourceSha256, ...toRulingScope(facts.config, facts.runbookSha256) };
  const verified = await verifyApproval({
    ...staged.ruling,
    keys: facts.keys,
    expected: { ...scope, ...toExpectedGate("RULING"), ruling },
    now,
  });
  if (verified.approval.gate !== "RULING")
    throw new CutterError("APPROVAL_FOR_ANOTHER", { field: "gate", expected: "RULING", found: verified.approval.gate });
  const { approval } = verified;
  if (staged.decision === null) return { ruling: { ...verified, approval }, decision: null };
  const decided = await verifyApproval({ ...staged.decision, keys: facts.keys, expected: { ...scope, gate: "SG_3" }, now });
  if (decided.approval.gate !== "SG_3")
    throw new CutterError("APPROVAL_FOR_ANOTHER", { field: "gate", expected: "SG_3", found: decided.approval.gate });
  if (decided.approval.review_decision_id === approval.review_decision_id)
    throw new CutterError("APPROVAL_UUID_REUSED", { reason: "collapsed", review_decision_id: approval.review_decision_id });
  return { ruling: { ...verified, approval }, decision: { ...decided, approval: decided.approval } };
}

/** Missing approvals are what the run waits for; everything else the dry run found must be accepted by name, and be acceptable. */
function requireAccepted({ run, wouldRefuse }: DryRun, ruling: Ruling): void {
  const reasons = toUnaccepted(wouldRefuse, ruling.accepts);
  if (reasons.length > 0) throw new CutterError("ENABLE_WOULD_REFUSE", { run_id: run.runId, reasons, accepts: ruling.accepts });
}

const gapsOfUp: readonly Gap["id"][] = ["GAP-1", "GAP-2", "GAP-3", "GAP-4", "GAP-5", "GAP-6"];

async function requireGapsClosed({ readGaps }: ArmEnvironment): Promise<void> {
  const gaps = await readGaps();
  const open = gapsOfUp.flatMap((id) => {
    const gap = gaps.find((candidate) => candidate.id === id);
    return gap?.state === "closed" ? [] : [`${id}: ${gap?.evidence[0] ?? "not judged"}`];
  });
  if (open.length > 0) throw new CutterError("GAPS_OPEN", { open });
}

/** Everything of the token but which start it is: that the ledger says. */
async function toToken({ now }: ArmEnvironment, facts: ArmFacts, { ruling, decision }: VerifiedStaging): Promise<Omit<ArmToken, "start">> {
  const issuedAt = now();
  const expiresMs = Math.min(issuedAt.getTime() + armMinutesMax * 60_000, Date.parse(ruling.approval.expires_at));
  const pin = ({ bytes, pin: { fingerprint } }: Keys["sovereign"]) => ({ fingerprint, sha256: sha256Hex(bytes) });
  return {
    schema: "cutter.token/1",
    ...toScopeFields(facts.scope),
    request_sha256: facts.request.sha256,
    issued_at: toIsoSeconds(issuedAt),
    expires_at: toIsoSeconds(new Date(expiresMs)),
    starts: ruling.approval.starts,
    ruling_sha256: ruling.documentSha256,
    accepts: [...ruling.approval.accepts],
    human_signers: ruling.humanSigners,
    keys: {
      sovereign: pin(facts.keys.sovereign),
      architect: facts.keys.architect === null ? null : pin(facts.keys.architect),
      backup: facts.backup,
    },
    decision:
      decision === null
        ? null
        : {
            gate: "SG_3",
            decision: decision.approval.decision,
            phase: decision.approval.phase,
            review_decision_id: decision.approval.review_decision_id,
            document_sha256: decision.documentSha256,
            kb_id: toApprovalId(facts.config.kb_runs_folder, facts.scope.runId, decision.approval),
          },
  };
}

/** The point of no return: kept, spent, told, armed. */
function grant(
  { host, now }: ArmEnvironment,
  runId: RunId,
  staged: Staged,
  unnumbered: Omit<ArmToken, "start">,
  { ruling, decision }: VerifiedStaging,
): Omit<ArmReport, "expired_removed" | "unfinished"> {
  const toSpending = (verified: VerifiedApproval, gate: Spending["gate"], of: number): Spending => ({
    gate,
    run_id: runId,
    document_sha256: verified.documentSha256,
    review_decision_id: verified.approval.review_decision_id,
    of,
  });
  archiveDocument(host, rulingArchive, ruling.documentSha256, staged.files);
  const spent = spend(
    host,
    [toSpending(ruling, "RULING", ruling.approval.starts), ...(decision === null ? [] : [toSpending(decision, "SG_3", 1)])],
    now(),
  );
  const token: ArmToken = { ...unnumbered, start: spent.n[0] ?? 1 };
  const text = `${JSON.stringify(token, null, 1)}\n`;
  parseArmToken(Buffer.from(text)); // what the run would refuse must not be installed
  const { document_id, payload_sha, expires_at, start, starts, human_signers, accepts, ruling_sha256 } = token;
  try {
    recordAudit(
      host,
      "enable",
      {
        run_id: runId,
        ruling_sha256,
        start,
        starts,
        expires_at,
        human_signers,
        decision: token.decision?.decision ?? null,
        spent_seq: spent.seq,
        spent_head: spent.head,
      },
      now(),
    );
    installToken(host, runId, new Map<string, Uint8Array | string>([...staged.files, [tokenFiles.token, text]]));
  } catch (error) {
    throw error instanceof CutterError
      ? new CutterError(error.code, { ...error.facts, start_spent: `${String(start)} of ${String(starts)}` }, { cause: error })
      : error;
  }
  return {
    schema: "cutter.arm/1",
    run_id: runId,
    document_id,
    payload_sha,
    expires_at,
    start,
    starts,
    human_signers,
    accepts,
    decision: token.decision?.decision ?? null,
    ruling_sha256,
  };
}
