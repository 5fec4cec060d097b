// The audit of a run: everything its evidence claims, checked again from its bytes and the reader's own keys. Opens nothing, writes
// nothing.
import type { Keys } from "../core/approval/verify.ts";
import { sha256Hex } from "../core/encoding/digest.ts";
import { CutterError } from "../core/errors.ts";
import { toAccount, type RecordedPhaseText, type RunAccount } from "../core/report/account.ts";
import type { RevertAccount } from "../core/revert/account.ts";
import { readFingerprint } from "../core/signing/signature.ts";
import { parseStrictYaml } from "../core/encoding/strict-yaml.ts";
import { requestSchema } from "../core/run/request.ts";
import type { Phase } from "../phases/define.ts";
import { checkApprovals } from "./check-approvals.ts";
import { checkDocuments, toOutputName } from "./check-documents.ts";
import { checkEffectDigests } from "./check-effect-digests.ts";
import { checkEffects } from "./check-effects.ts";
import { checkChecksumList, checkOutcome, checkReport, checkFileSet, type MadeFile } from "./check-files.ts";
import { checkRevert, type RevertCheck } from "./check-revert.ts";
import { checkPlan } from "./check-plan.ts";
import { auditFinding, toAuditFinding, type AuditFinding } from "./finding.ts";
import type { RunBundle } from "../evidence/bundle.ts";
import { journalName, readJournal, type AuditedJournal } from "./read-journal.ts";
import { tryParseJson } from "../core/encoding/try-parse-json.ts";
import type { PhaseName } from "../core/phase-names.ts";

export interface Audit {
  readonly runId: string | null;
  readonly mode: "dryrun" | "live" | null;
  readonly ended: boolean;
  readonly findings: readonly AuditFinding[];
  readonly signaturesVerified: number;
  readonly signaturesNotVerified: number; // no key was given for them
  readonly revert: RevertAccount | null; // what the revert among the records says; null: there is none
  readonly notes: readonly string[]; // what could not be compared, and why
  readonly checked: readonly string[]; // what held, for people; empty where something did not
}

/**
 * Whose eyes look: `phases` know what their outputs mean. Wording is compared only by the very release that wrote it: a later one words
 * things otherwise.
 */
export interface AuditContext {
  readonly phases: readonly Phase[];
  readonly releaseSha256: string | null; // of the auditing program; null in a source tree
}

/** `keys`: those the reader trusts; null: signatures stay unverified, which the caller must not call a pass. */
export async function auditRun(material: RunBundle, keys: Keys | null, { phases, releaseSha256 }: AuditContext): Promise<Audit> {
  const findings: AuditFinding[] = [];
  const journal = readJournal(material, findings);
  if (journal === null) return toUnreadable([...findings, ...checkChecksumList(material, true)]);
  const { status, records } = journal;
  const ended = status.finished !== null || status.voided !== null;
  findings.push(...checkChecksumList(material, ended), ...checkDocuments(material, journal));
  const sameRelease = releaseSha256 !== null && releaseSha256 === status.started?.inputs.release_sha256;
  const read = readOutputs(material, journal, phases);
  // What this release cannot read of another's output is no sign of a forgery: its digest held.
  if (sameRelease) findings.push(...read.unreadable);
  const runId = status.started?.run_id ?? "";
  const account = toAccount({ runId, records, status, ...read, approvalDocuments: toApprovalDocuments(material) });
  findings.push(
    ...checkFileSet(
      material,
      journal,
      read.made.map((file) => ({ ...file, comparable: sameRelease || verbatim.includes(file.name) })),
      toBegun(material, journal, phases),
    ),
    ...checkRequest(material, journal),
    ...checkOutcome(material, journal, account),
    ...(sameRelease ? checkReport(material, journal, account) : []),
    ...checkEffects(journal),
    ...checkEffectDigests(journal, phases, read.outputs),
  );
  if (account.plan !== null)
    findings.push(
      ...checkPlan(material, {
        payloadSha: account.plan.payloadSha,
        sourceSha256: account.source?.sha256 ?? null,
        documentId: account.documentId ?? "",
      }),
    );
  const runbook = material.files.get("rollback_runbook.sql");
  const bound = {
    scope: {
      runId,
      documentId: account.documentId ?? "",
      host: account.inputs?.host_identity ?? "",
      releaseSha256: account.inputs?.release_sha256 ?? "",
      payloadSha: account.plan?.payloadSha ?? null,
    },
    sourceSha256: account.source?.sha256 ?? null,
    runbookSha256: runbook === undefined ? null : sha256Hex(runbook),
    grantMatrixSha256: toMatrixSha256(read.outputs),
  };
  const approvals = await checkApprovals(material, journal, keys, bound);
  const plannedUnits = account.plan?.units.length ?? null;
  const revert = await checkRevert(material, records, keys, { scope: bound.scope, plannedUnits, releaseSha256 });
  findings.push(...approvals.findings, ...revert.findings, ...(await checkKeys(material, keys)), ...checkBackup(material, account));
  return {
    runId,
    mode: account.mode,
    ended,
    findings: distinct(findings),
    signaturesVerified: approvals.verified + revert.verified,
    signaturesNotVerified: approvals.notVerified + revert.notVerified,
    revert: revert.account,
    notes: [...(sameRelease ? [] : toNotes(account, read)), ...revert.notes],
    checked: findings.length > 0 ? [] : [...toChecked(material, journal, account, approvals.verified), ...toCheckedRevert(revert)],
  };
}

/** Without a journal there is nothing to hold the files against. */
function toUnreadable(findings: readonly AuditFinding[]): Audit {
  const none = { signaturesVerified: 0, signaturesNotVerified: 0, revert: null, notes: [], checked: [] };
  return { runId: null, mode: null, ended: false, findings, ...none };
}

function toApprovalDocuments({ files }: RunBundle): readonly Uint8Array[] {
  return [...files].filter(([name]) => name.startsWith("approvals/")).map(([, bytes]) => bytes);
}

/** Files that hold an output's own words or bytes, which no release words otherwise. */
const verbatim: readonly string[] = ["source.md", "plan.json", "grant-matrix.txt"];

function toNotes(account: RunAccount, { unreadable, made }: ReadOutputs): readonly string[] {
  const compared = ["report.txt", ...made.map(({ name }) => name).filter((name) => !verbatim.includes(name))];
  const release = `made by another release (${account.releaseVersion ?? "unknown"}, manifest sha256 ${account.inputs?.release_sha256 ?? "none"})`;
  return [
    `wording not compared, ${release}: ${compared.join(", ")}`,
    ...unreadable.map(({ file }) => `meaning not read, ${release}: ${file ?? ""}`),
  ];
}

interface ReadOutputs {
  readonly outputs: ReadonlyMap<PhaseName, unknown>;
  readonly texts: readonly RecordedPhaseText[];
  readonly made: readonly Omit<MadeFile, "comparable">[];
  readonly unreadable: readonly AuditFinding[];
}

/** Only outputs whose digest the journal recorded are believed. */
function readOutputs(material: RunBundle, { status }: AuditedJournal, phases: readonly Phase[]): ReadOutputs {
  const outputs = new Map<PhaseName, unknown>();
  const texts: RecordedPhaseText[] = [];
  const made: Omit<MadeFile, "comparable">[] = [];
  const unreadable: AuditFinding[] = [];
  for (const done of status.done) {
    const file = toOutputName(done.number, done.phase);
    const bytes = material.files.get(file);
    if (bytes === undefined || sha256Hex(bytes) !== done.outputSha256) continue;
    const output = tryParseJson(bytes);
    outputs.set(done.phase, output);
    const phase = phases.find(({ name }) => name === done.phase);
    try {
      const result = phase?.toResult(output);
      if (result === undefined) continue;
      texts.push({ phase: done.phase, text: result.text });
      made.push(...result.files);
    } catch (error) {
      unreadable.push(
        auditFinding("AUDIT_OUTPUT_UNREADABLE", error instanceof CutterError ? error.code : "its shape is another one", {
          file,
          record: done.seq,
        }),
      );
    }
  }
  return { outputs, texts, made, unreadable };
}

/** What a phase left that was cut off before the journal could vouch for it: told by its own output, and believed in nothing. */
function toBegun(material: RunBundle, { status }: AuditedJournal, phases: readonly Phase[]): readonly string[] {
  if (status.current === null) return [];
  const file = toOutputName(status.done.length + 1, status.current);
  const phase = phases.find(({ name }) => name === status.current);
  try {
    return [file, ...(phase?.toResult(tryParseJson(material.files.get(file) ?? null)).files.map(({ name }) => name) ?? [])];
  } catch {
    return [file];
  }
}

function checkRequest(material: RunBundle, { status }: AuditedJournal): readonly AuditFinding[] {
  const file = "request.yaml";
  const bytes = material.files.get(file);
  const { started } = status;
  if (bytes === undefined || started === null) return []; // told as missing already
  const differs = (facts: Readonly<Record<string, string>>): AuditFinding =>
    auditFinding("request_differs", "it is another request", { file, record: 0, facts });
  const found = sha256Hex(bytes);
  if (found !== started.inputs.request_sha256) return [differs({ expected_sha256: started.inputs.request_sha256, found_sha256: found })];
  try {
    const request = parseStrictYaml(Buffer.from(bytes).toString("utf8"), requestSchema, { code: "REQUEST_INVALID", file });
    return request.run_id === started.run_id && request.document_id === started.document_id && request.mode === started.mode
      ? []
      : [differs({ run_id: request.run_id, document_id: request.document_id, mode: request.mode })];
  } catch (error) {
    return [toAuditFinding("request_differs", error, { file })];
  }
}

/** The keys beside a run are data: what is not the reader's own is told, and never used. */
async function checkKeys(material: RunBundle, keys: Keys | null): Promise<readonly AuditFinding[]> {
  if (keys === null) return [];
  const findings: AuditFinding[] = [];
  for (const [role, key] of [["sovereign", keys.sovereign] as const, ["architect", keys.architect] as const]) {
    const file = `keys/${role}.asc`;
    const bytes = material.files.get(file);
    if (bytes === undefined || key === null) continue;
    const found = await readFingerprint(bytes).catch(() => "unreadable");
    if (found !== key.pin.fingerprint)
      findings.push(
        auditFinding("AUDIT_KEY_FOREIGN", `not the ${role}'s key you trust`, { file, facts: { expected: key.pin.fingerprint, found } }),
      );
  }
  return findings;
}

function checkBackup({ origin, digestsOnly }: RunBundle, { backup, mode }: RunAccount): readonly AuditFinding[] {
  if (origin === "bundle" || mode !== "live" || backup?.sha256 === null || backup === null) return [];
  const found = [...digestsOnly].find(([, sha256]) => sha256 === backup.sha256);
  return found === undefined
    ? [
        auditFinding("backup_differs", "no encrypted backup in the folder has the recorded digest", {
          file: backup.file ?? "",
          facts: { expected_sha256: backup.sha256 ?? "", found: [...digestsOnly.values()] },
        }),
      ]
    : [];
}

function toMatrixSha256(outputs: ReadonlyMap<PhaseName, unknown>): string | null {
  const output = outputs.get("grant_probe");
  const found: unknown = typeof output === "object" && output !== null && "expectedSha256" in output ? output.expectedSha256 : null;
  return typeof found === "string" ? found : null;
}

function distinct(findings: readonly AuditFinding[]): readonly AuditFinding[] {
  const seen = new Set<string>();
  return findings.filter((found) => {
    const key = JSON.stringify([found.code, found.file, found.record, found.problem]);
    return !seen.has(key) && seen.add(key).size > 0;
  });
}

function toCheckedRevert({ account, records, verified, compared }: RevertCheck): readonly string[] {
  return account === null
    ? ["no revert is among these records"]
    : [
        [
          `${String(records)} records of the revert: chain, sequence and legality`,
          `its approvals (${String(verified)} signatures verified by the key you gave)`,
          ...compared,
        ].join("; "),
      ];
}

function toChecked(
  { files, origin }: RunBundle,
  { records, status }: AuditedJournal,
  account: RunAccount,
  signatures: number,
): readonly string[] {
  return [
    `${String(files.size)} files, each as listed and none besides`,
    `${String(records.length)} records of ${journalName}: chain, sequence and legality`,
    `${String(status.done.filter(({ receipt }) => receipt !== null).length)} phase documents: bytes against receipts, and ` +
      "the journal against what they witness",
    `${String(status.done.length)} outputs against the digests in the journal`,
    ...(account.plan === null
      ? []
      : [`the plan: ${String(account.plan.units.length)} units, lossless, payload_sha ${account.plan.payloadSha}`]),
    ...(account.approvals.length === 0
      ? []
      : [
          `${String(account.approvals.length)} approvals: what they bind, when they were used; ${String(signatures)} signatures ` +
            "verified by the keys you gave",
        ]),
    ...(account.effects.length === 0
      ? []
      : [
          `${String(account.effects.length)} steps that wrote: approved, intended, done, in this order, each with the digest that ` +
            "plan and approvals lead to",
        ]),
    ...((account.backup?.sha256 ?? null) === null
      ? []
      : [
          origin === "bundle"
            ? `the backup's recorded sha256 is ${account.backup?.sha256 ?? ""}; the file is not in a bundle`
            : "the encrypted backup has the recorded sha256",
        ]),
  ];
}
