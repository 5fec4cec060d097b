// cutter audit verify: the evidence of a run checked again, from its folder or from a bundle on any machine; by the keys the reader trusts,
// never by those beside the run.
import { buildCommand } from "@stricli/core";
import { auditRun, type Audit } from "../audit/audit-run.ts";
import { journalName } from "../audit/read-journal.ts";
import { toFindingSentence, type AuditFinding } from "../audit/finding.ts";
import { readBundle, readFolder, type RunBundle } from "../evidence/bundle.ts";
import { bundleBytesMax } from "../evidence/tar.ts";
import { loadConfig } from "../config/load.ts";
import type { Keys } from "../core/approval/verify.ts";
import { codes } from "../core/codes/index.ts";
import { CutterError, toPrintable } from "../core/errors.ts";
import { hostLayout } from "../core/host/layout.ts";
import { parseRunId } from "../core/run-id.ts";
import { readHostKeys } from "../trust/host-keys.ts";
import { findRunFolder } from "../engine/kernel/run-folder.ts";
import { phases } from "../phases/index.ts";
import type { CutterContext, Services } from "./context.ts";
import { keyFlags, readGivenKeys, type KeyFlags } from "./given-keys.ts";
import { commonFlags, print, parseString, type CommonFlags } from "./flags.ts";

interface Flags extends CommonFlags, KeyFlags {
  readonly "run-id"?: string;
}

export const auditVerifyCommand = buildCommand<Flags, [string?], CutterContext>({
  docs: {
    brief: "Check chain, receipts, signatures and digests of a run again",
    fullDescription:
      "Of a bundle: offline, on any machine, by the keys you give. Of a run on its host (--run-id): as root, by the keys " +
      "pinned there unless you give others. Without a key the signatures are not verified, and the exit code is not 0. Keys " +
      "kept with a run are data: they are compared with yours and never trusted.",
  },
  parameters: {
    flags: {
      ...commonFlags,
      ...keyFlags,
      "run-id": { kind: "parsed", parse: parseString, brief: "A run of this host", optional: true, placeholder: "R" },
    },
    positional: {
      kind: "tuple",
      parameters: [{ brief: "Bundle, audit-bundle.tar of a run's folder", parse: parseString, placeholder: "BUNDLE", optional: true }],
    },
  },
  func: async function (this: CutterContext, flags, bundle) {
    const { services } = this;
    const runId = flags["run-id"];
    if ((runId === undefined) === (bundle === undefined))
      throw new CutterError("USAGE_INVALID", { problem: "one of --run-id and a bundle" });
    const given = await readGivenKeys(services.files, flags);
    const material = bundle === undefined ? await readRunMaterial(services, runId ?? "") : await readBundleFile(services, bundle);
    const keys = given ?? (bundle === undefined ? await readPinned(services) : null);
    const audit = await auditRun(material, keys, { phases, releaseSha256: await readOwnRelease(services) });
    const verdict = toAuditVerdict(audit);
    print(
      this,
      flags,
      toJson(audit, verdict),
      toText(audit, verdict, keys === null ? "none" : given === null ? "those pinned on this host" : "those given"),
    );
    this.process.exitCode = verdict === "pass" ? 0 : codes[verdict].exit;
  },
});

type AuditVerdict = "pass" | "AUDIT_FAILED" | "AUDIT_SIGNATURES_NOT_VERIFIED";

function toAuditVerdict({ findings, signaturesNotVerified }: Audit): AuditVerdict {
  if (findings.length > 0) return "AUDIT_FAILED";
  return signaturesNotVerified > 0 ? "AUDIT_SIGNATURES_NOT_VERIFIED" : "pass";
}

/** An auditor's machine need not have a whole release: then wording is not compared, and that is said. */
async function readOwnRelease(services: Services): Promise<string | null> {
  return await services.readRelease().then(
    ({ sha256 }) => sha256,
    (error: unknown) => {
      if (error instanceof CutterError) return null;
      throw error;
    },
  );
}

async function readRunMaterial({ files, paths }: Services, wanted: string): Promise<RunBundle> {
  const runId = parseRunId(wanted, { allowDryRunSuffix: true });
  const config = await loadConfig(files, paths.config);
  const folder = await findRunFolder(files, config.value.sidecar_root, runId);
  if (folder === null) throw new CutterError("RUN_UNKNOWN", { run_id: runId });
  const material = await readFolder(files, folder.path);
  if (hasBegun(material)) return material;
  throw new CutterError("RUN_UNKNOWN", { reason: "never_began", run_id: runId, folder: folder.path });
}

/** Its first record comes after its request and before everything else: with nothing but that, no statement can be made of it. */
function hasBegun({ files, digestsOnly }: RunBundle): boolean {
  const journal = files.get(journalName);
  if (digestsOnly.size > 0) return true;
  return (journal !== undefined && journal.length > 0) || [...files.keys()].some((name) => ![journalName, "request.yaml"].includes(name));
}

async function readBundleFile({ files }: Services, file: string): Promise<RunBundle> {
  const invalid = (problem: string, cause?: unknown): CutterError =>
    new CutterError("AUDIT_BUNDLE_INVALID", { file: file.slice(0, 300), problem }, { cause });
  const facts = await files.facts(file).catch((cause: unknown) => {
    throw invalid("it cannot be looked at", cause);
  });
  if (facts?.kind !== "file") throw invalid(facts === null ? "absent" : `a ${facts.kind}, not a plain file`);
  if (facts.size > bundleBytesMax) throw invalid(`larger than ${String(bundleBytesMax)} bytes`);
  return readBundle((await files.read(file)) ?? new Uint8Array());
}

/** On the host the pins count; where they cannot be read, signatures stay unverified, and that is said. */
async function readPinned({ files }: Services): Promise<Keys | null> {
  return await readHostKeys(files, hostLayout).catch((error: unknown) => {
    if (error instanceof CutterError && error.code === "APPROVAL_KEY_NOT_PINNED") return null;
    throw error;
  });
}

function toJson(
  { runId, mode, ended, findings, signaturesVerified, signaturesNotVerified, revert, notes, checked }: Audit,
  verdict: AuditVerdict,
): object {
  return {
    schema: "cutter.audit-verify/1",
    verdict: verdict === "pass" ? "pass" : "fail",
    code: verdict === "pass" ? null : verdict,
    run_id: runId,
    mode,
    ended,
    revert:
      revert === null
        ? null
        : {
            state: revert.state,
            reverted_at: revert.revertedAt,
            units: revert.units,
            signer: revert.approval?.signer ?? null,
            review_decision_id: revert.approval?.reviewDecisionId ?? null,
          },
    findings,
    signatures_verified: signaturesVerified,
    signatures_not_verified: signaturesNotVerified,
    notes,
    checked,
  };
}

function toText(audit: Audit, verdict: AuditVerdict, keys: string): readonly string[] {
  const { findings, runId, mode, ended, notes, checked, signaturesNotVerified } = audit;
  return [
    ...(findings.length === 0 ? checked.map((line) => `[OK] ${line}`) : []),
    ...findings.map(toLine),
    ...notes.map((note) => `[WARN] ${note}`),
    ...(ended || runId === null || audit.revert?.state === "reverted"
      ? []
      : ["[WARN] this run has not ended: it is checked as far as it came"]),
    ...toRevertText(audit),
    ...(signaturesNotVerified === 0 ? [] : [`[WARN] ${String(signaturesNotVerified)} signatures NOT VERIFIED: no key was given for them`]),
    `[INFO] run ${toPrintable(runId ?? "unknown")} (${mode ?? "unknown"}); trusted keys: ${keys}`,
    verdict === "pass"
      ? "[OK] pass"
      : `[ERR] ${verdict} ${codes[verdict].summary}${findings.length === 0 ? "" : ` findings=${String(findings.length)}`} → ${codes[verdict].remedy}`,
  ];
}

/** A run that was taken back must not be read as one that stands. */
function toRevertText({ revert }: Audit): readonly string[] {
  if (revert === null) return [];
  const by = revert.approval === null ? "" : `, by approval of ${toPrintable(revert.approval.signer)}`;
  const when = revert.revertedAt ?? "an unknown time";
  if (revert.found === "already_there" && revert.transactionId === null)
    return [`[WARN] REVERTED, found so at ${when} and not done then${by}: ${String(revert.units ?? 0)} units of this run are retired`];
  return revert.state === "reverted"
    ? [`[WARN] REVERTED at ${when}${by}: ${String(revert.units ?? 0)} units of this run are retired`]
    : [`[WARN] a revert of this run began${by} and is not finished${revert.code === null ? "" : `: ${toPrintable(revert.code)}`}`];
}

function toLine(finding: AuditFinding): string {
  const { code, what, file, record, problem, facts } = finding;
  const place = [...(file === null ? [] : [`file=${toPrintable(file)}`]), ...(record === null ? [] : [`record=${String(record)}`])];
  return [
    "[ERR]",
    code,
    toFindingSentence(finding) ?? codes[code].summary,
    ...(what === null ? [] : [`what=${what}`]),
    ...place,
    `problem=${toPrintable(problem)}`,
    ...Object.entries(facts)
      .filter(([name]) => name !== "file")
      .map(([name, value]) => `${name}=${toPrintable(value)}`),
  ].join(" ");
}
