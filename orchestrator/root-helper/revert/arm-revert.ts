// arm-revert R: root judges the REVERT on the host, spends it in the ledger, and stages it for the unit. Works while the latch is set: that
// forbids cutting, not the way back.
import { chmodSync, chownSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { HostScope } from "../../core/approval/scope.ts";
import { verifyApproval, type VerifiedApproval } from "../../core/approval/verify.ts";
import { approvalBytesMax } from "../../core/approval/block.ts";
import { sha256Hex } from "../../core/encoding/digest.ts";
import { tryParseJson } from "../../core/encoding/try-parse-json.ts";
import { CutterError, toCase } from "../../core/errors.ts";
import { toOwnershipClaims } from "../../core/gaps/evidence.ts";
import { writing } from "../../core/host/disk-error.ts";
import { hostLayout } from "../../core/host/layout.ts";
import { stagedFiles, stagedRevertSchema, type StagedRevert } from "../../core/revert/staging.ts";
import { dryRunSuffix, parseRunId, type RunId } from "../../core/run-id.ts";
import { readHostKeys } from "../../trust/host-keys.ts";
import { readHostScope } from "../../trust/host-scope.ts";
import { readPlainFile } from "../../trust/plain-file.ts";
import { toHostPath, type Host } from "../files/host.ts";
import { hostFiles } from "../files/host-files.ts";
import { readUses, spend } from "../state/ledger.ts";
import { auditOrWarn, requireRunInactive, requireRun } from "./steps.ts";
import { readSafeFile } from "../files/safe-file.ts";
import { readConfig } from "../files/settings.ts";
import { toExpectedGate } from "../../core/approval/binding.ts";

const signatureBytesMax = 64 * 1024;
const manifestBytesMax = 4 * 1024 * 1024;

/**
 * Reads incoming/<id>/revert.md and its signature; after it returns revert/<id>/ holds them beside staged.json, and the ledger holds the
 * use. What is staged already by the same approval stays as it is while it is whole and judged the same, else it is staged again without
 * being spent again. An approval that was spent before is staged too, marked: then a revert that is done can still say so, and no other can
 * happen.
 * @throws RUN_ID_INVALID, REVERT_NOTHING_CREATED, REVERT_PRINCIPAL_NOT_PINNED, REVERT_RUN_UNKNOWN, REVERT_RUN_ACTIVE,
 * REVERT_RUNBOOK_CHANGED, APPROVAL_*, KEY_*, LEDGER_*, HOST_FILE_*
 */
export async function armRevert(host: Host, idText: string, now: Date): Promise<StagedRevert> {
  if (idText.toLowerCase().endsWith(dryRunSuffix))
    throw new CutterError("REVERT_NOTHING_CREATED", { reason: "dry_run", run_id: idText.slice(0, 80) });
  const runId = parseRunId(idText, { allowDryRunSuffix: false });
  try {
    return await verifyAndStage(host, runId, now);
  } catch (error) {
    if (error instanceof CutterError) auditOrWarn(host, "revert_refused", { run_id: runId, code: error.code, ...toCase(error) }, now);
    throw error;
  } finally {
    rmSync(toHostPath(host, `${hostLayout.incoming}/${runId}`), { recursive: true, force: true });
  }
}

async function verifyAndStage(host: Host, runId: RunId, now: Date): Promise<StagedRevert> {
  const config = readConfig(host);
  if (config.revert_principal === null) throw new CutterError("REVERT_PRINCIPAL_NOT_PINNED", { run_id: runId });
  requireRun(host, config.sidecar_root, runId);
  requireRunInactive(host, runId);
  const read = (name: string, maxBytes: number): Buffer =>
    readSafeFile(host, `${hostLayout.incoming}/${runId}/${name}`, { forbidden: 0o077, maxBytes });
  const document = read(stagedFiles.approval, approvalBytesMax);
  const signature = read(stagedFiles.signature, signatureBytesMax);
  const facts = await readFacts(host);
  const expected = {
    ...toExpectedGate("REVERT"),
    runId,
    ...facts.scope,
  } as const;
  const { keys } = facts;
  const verified = await verifyApproval({ document, signatures: [signature], keys, expected, now });
  const use = { document_sha256: verified.documentSha256, review_decision_id: verified.decision.review_decision_id };
  const existing = await readStagedRevert(host, runId);
  const own = existing?.approval_sha256 === verified.documentSha256 ? existing : null;
  const spentBefore = own === null ? readUses(host, use) > 0 : own.spent_before;
  const staged: StagedRevert = {
    schema: "cutter.revert-staged/1",
    run_id: runId,
    approval_sha256: verified.documentSha256,
    signature_sha256: sha256Hex(signature),
    review_decision_id: use.review_decision_id,
    host: facts.scope.host,
    release_sha256: facts.scope.releaseSha256,
    runbook_sha256: facts.runbookSha256,
    sovereign: { fingerprint: keys.sovereign.pin.fingerprint, file_sha256: sha256Hex(keys.sovereign.bytes) },
    spent_before: spentBefore,
    staged_at: own?.staged_at ?? now.toISOString(),
  };
  if (own !== null && (await isStagedWhole(host, runId, own, staged))) return own;
  if (own === null && !spentBefore) spendOnce(host, runId, verified, use, now);
  installStaged(
    host,
    runId,
    new Map<string, Uint8Array | string>([
      [stagedFiles.approval, document],
      [stagedFiles.signature, signature],
      [stagedFiles.staged, `${JSON.stringify(staged, null, 1)}\n`],
    ]),
  );
  return staged;
}

/** In the ledger before anything is staged: a crash in between leaves a spent approval and no way to use it, never the other way round. */
function spendOnce(
  host: Host,
  runId: RunId,
  verified: VerifiedApproval,
  use: { readonly document_sha256: string; readonly review_decision_id: string },
  now: Date,
): void {
  const spent = spend(host, [{ gate: "REVERT", run_id: runId, ...use, of: 1 }], now);
  auditOrWarn(
    host,
    "revert_staged",
    {
      run_id: runId,
      approval_sha256: verified.documentSha256,
      signer: verified.signers[0]?.fingerprint ?? null,
      spent_seq: spent.seq,
      spent_head: spent.head,
    },
    now,
  );
}

interface RevertFacts {
  readonly scope: HostScope;
  readonly runbookSha256: string;
  readonly keys: Awaited<ReturnType<typeof readHostKeys>>;
}

/** What this host says, without a look at what was signed. The runbook counts as what `pulumi up` put there, whatever lies there now. */
async function readFacts(host: Host): Promise<RevertFacts> {
  const files = hostFiles(host);
  const scope = await readHostScope(files);
  const owned = toOwnershipClaims(
    Buffer.from(await readPlainFile(files, hostLayout.ownership, manifestBytesMax))
      .toString("utf8")
      .split("\n"),
  );
  const pinned = owned.get(hostLayout.rollbackRunbook)?.contentSha256;
  const found = sha256Hex(await readPlainFile(files, hostLayout.rollbackRunbook, manifestBytesMax));
  if (pinned !== found) throw new CutterError("REVERT_RUNBOOK_CHANGED", { expected: pinned ?? "not pinned", found });
  return {
    scope,
    runbookSha256: found,
    keys: await readHostKeys(files, hostLayout),
  };
}

/** What an earlier start left because it did not end well. Anything unreadable is replaced. */
async function readStagedRevert(host: Host, runId: RunId): Promise<StagedRevert | null> {
  const bytes = await hostFiles(host).read(`${hostLayout.revertStaging}/${runId}/${stagedFiles.staged}`);
  return stagedRevertSchema.safeParse(tryParseJson(bytes)).data ?? null;
}

/** Judged as now, and its files still lie there as they were staged; the signature may be another one by the same key. */
async function isStagedWhole(host: Host, runId: RunId, existing: StagedRevert, verified: StagedRevert): Promise<boolean> {
  if (!isDeepStrictEqual(existing, { ...verified, signature_sha256: existing.signature_sha256 })) return false;
  const files = hostFiles(host);
  const digests = await Promise.all(
    [stagedFiles.approval, stagedFiles.signature].map(async (name) => {
      const bytes = await files.read(`${hostLayout.revertStaging}/${runId}/${name}`);
      return bytes === null ? null : sha256Hex(bytes);
    }),
  );
  return isDeepStrictEqual(digests, [existing.approval_sha256, existing.signature_sha256]);
}

/** root:cutter: cutter reads, root alone writes. It appears whole or not at all. */
function installStaged(host: Host, runId: RunId, files: ReadonlyMap<string, Uint8Array | string>): void {
  const beside = writing(hostLayout.runtime, () => mkdtempSync(toHostPath(host, `${hostLayout.runtime}/.reverting-`)));
  const place = toHostPath(host, `${hostLayout.revertStaging}/${runId}`);
  const give = (path: string, mode: number): void => {
    chownSync(path, host.ownerUid, host.cutter.gid);
    chmodSync(path, mode);
  };
  try {
    const folder = join(beside, runId);
    writing(`${hostLayout.revertStaging}/${runId}`, () => {
      mkdirSync(folder, { mode: 0o750 });
      for (const [name, content] of files) {
        writeFileSync(join(folder, name), content, { mode: 0o640, flag: "wx" });
        give(join(folder, name), 0o640);
      }
    });
    give(folder, 0o750);
    rmSync(place, { recursive: true, force: true });
    renameSync(folder, place);
  } finally {
    rmSync(beside, { recursive: true, force: true });
  }
}
