// cutter revert: the emergency revert of one run, inside its unit; or, from a shell of the host, the SQL of it for the owner's gate.
import { buildCommand } from "@stricli/core";
import { loadConfig } from "../config/load.ts";
import { approvalBytesMax } from "../core/approval/block.ts";
import { toErrorLine, CutterError } from "../core/errors.ts";
import type { Code } from "../core/codes/index.ts";
import { toRevertSql } from "../core/revert/runbook-sql.ts";
import { stagedFiles, stagedRevertSchema, type StagedRevert } from "../core/revert/staging.ts";
import { dryRunSuffix, parseRunId, type RunId } from "../core/run-id.ts";
import { bundleName } from "../evidence/bundle.ts";
import type { RevertInputs } from "../engine/revert/verify.ts";
import { toDifferenceLines, type RevertOutcome } from "../engine/revert/outcome.ts";
import { revertRun } from "../engine/revert/revert.ts";
import { readPlainFile } from "../trust/plain-file.ts";
import type { CutterContext, Services } from "./context.ts";
import { commonFlags, print, parseString, type CommonFlags } from "./flags.ts";
import { writeStartResult, toRefusedStartResult } from "./start-result.ts";
import { tryParseJson } from "../core/encoding/try-parse-json.ts";

interface Flags extends CommonFlags {
  readonly "run-id": string;
  readonly approval?: string;
  readonly render: boolean;
}

const signatureBytesMax = 64 * 1024;
const runbookBytesMax = 4 * 1024 * 1024;

export const revertCommand = buildCommand<Flags, [], CutterContext>({
  docs: {
    brief: "Emergency revert of one run, or its SQL for the owner's gate",
    fullDescription:
      "Retires the units a run created, in one transaction, after a signed REVERT and a fresh proven backup. Works only inside " +
      "unit cutter-revert@R (runbooks/emergency-revert starts it), also while execution is disabled. A run that is reverted " +
      "already is a no-op that says so. With --render prints one self-contained SQL file instead, and its sha256 on stderr; " +
      "nothing is done.",
  },
  parameters: {
    flags: {
      ...commonFlags,
      "run-id": { kind: "parsed", parse: parseString, brief: "Which live run", placeholder: "R" },
      approval: {
        kind: "parsed",
        parse: parseString,
        brief: "The signed REVERT; its signature is FILE.asc",
        optional: true,
        placeholder: "FILE",
      },
      render: { kind: "boolean", brief: "Print the SQL and its sha256, do nothing", default: false, withNegated: false },
    },
  },
  func: async function (this: CutterContext, flags: Flags): Promise<void> {
    const runId = parseLiveRunId(flags["run-id"]);
    if (flags.render === (flags.approval !== undefined))
      throw new CutterError("USAGE_INVALID", { problem: "one of --approval FILE and --render" });
    if (flags.approval === undefined) return renderRevert(this, flags, runId);
    try {
      await revert(this, flags, runId, flags.approval);
    } catch (error) {
      await writeStartResult(this.services, toRefusedStartResult(error));
      throw error;
    }
  },
});

/** @throws REVERT_NOTHING_CREATED, RUN_ID_INVALID */
function parseLiveRunId(text: string): RunId {
  if (text.toLowerCase().endsWith(dryRunSuffix))
    throw new CutterError("REVERT_NOTHING_CREATED", { reason: "dry_run", run_id: text.slice(0, 80) });
  return parseRunId(text, { allowDryRunSuffix: false });
}

async function renderRevert(context: CutterContext, flags: Flags, runId: RunId): Promise<void> {
  const rendered = toRevertSql(await readRunbook(context.services), runId);
  if (flags.json) {
    print(
      context,
      flags,
      {
        schema: "cutter.revert-render/1",
        run_id: runId,
        sql: rendered.text,
        sha256: rendered.sha256,
        runbook_sha256: rendered.runbookSha256,
      },
      [],
    );
    return;
  }
  context.process.stdout.write(rendered.text);
  context.process.stderr.write(
    `[INFO] sha256 ${rendered.sha256}  run ${runId}, runbook ${rendered.runbookSha256}; for the owner's gate: one file, one ` +
      `transaction, as the revert principal\n`,
  );
}

async function revert(context: CutterContext, flags: Flags, runId: RunId, approvalFile: string): Promise<void> {
  const { services } = context;
  // Before configuration, credentials and database: outside its unit a revert touches nothing.
  if (!(await services.isInRevertUnit(runId))) throw new CutterError("EXECUTION_OUTSIDE_UNIT", { reason: "revert", run_id: runId });
  const request = await readRevert(services, runId, approvalFile);
  const say = (line: string): void => (flags.json ? context.process.stderr : context.process.stdout).write(`${line}\n`);
  const opened = await services.openRevert(request.config, say);
  try {
    const outcome = await revertRun(request, opened.ports);
    await writeStartResult(services, { ...outcome, phase: null, certificate: null, waits_on: null });
    print(context, flags, outcome, toText(outcome));
    context.process.exitCode = outcome.exit_code;
  } finally {
    await opened.close();
  }
}

/** @throws REVERT_PRINCIPAL_NOT_PINNED, REVERT_NOT_STAGED, RELEASE_UNKNOWN, CONFIG_*, KEY_FILE_CHANGED */
async function readRevert(services: Services, runId: RunId, approvalFile: string): Promise<RevertInputs> {
  const { files, paths } = services;
  const config = (await loadConfig(files, paths.config)).value;
  if (config.revert_principal === null) throw new CutterError("REVERT_PRINCIPAL_NOT_PINNED", { run_id: runId });
  const staged = await readStaged(services, runId);
  const release = await services.readRelease();
  const host = await services.readHostIdentity();
  if (release.sha256 === null || host === null) throw new CutterError("RELEASE_UNKNOWN", { root: release.root });
  const key = await readPlainFile(files, `${paths.keys}/sovereign.asc`, signatureBytesMax);
  return {
    runId,
    config,
    host,
    releaseSha256: release.sha256,
    staged,
    paths: { armed: paths.armed, live: paths.live, staging: paths.revertStaging },
    approval: await readPlainFile(files, approvalFile, approvalBytesMax),
    signature: await readPlainFile(files, `${approvalFile}.asc`, signatureBytesMax),
    // The key that root judged by: another file under the same name is refused by its digest, another owner by the fingerprint.
    keys: {
      sovereign: { bytes: key, pin: { fingerprint: staged.sovereign.fingerprint, fileSha256: staged.sovereign.file_sha256 } },
      architect: null,
    },
    runbook: await readRunbook(services),
    signal: services.signal,
  };
}

async function readStaged({ files, paths }: Services, runId: RunId): Promise<StagedRevert> {
  const path = `${paths.revertStaging}/${runId}/${stagedFiles.staged}`;
  const bytes = await files.read(path);
  if (bytes === null) throw new CutterError("REVERT_NOT_STAGED", { run_id: runId, looked_for: path });
  const staged = stagedRevertSchema.safeParse(tryParseJson(bytes));
  if (!staged.success)
    throw new CutterError("REVERT_NOT_STAGED", {
      reason: "damaged",
      run_id: runId,
      field: staged.error.issues[0]?.path.join(".") ?? "(top)",
    });
  return staged.data;
}

/** @throws REVERT_RUNBOOK_CHANGED where there is none: this is no host the kit made ready */
async function readRunbook({ files, paths }: Services): Promise<string> {
  if ((await files.facts(paths.rollbackRunbook)) === null)
    throw new CutterError("REVERT_RUNBOOK_CHANGED", { expected: paths.rollbackRunbook, found: "absent" });
  return Buffer.from(await readPlainFile(files, paths.rollbackRunbook, runbookBytesMax)).toString("utf8");
}

function toText(outcome: RevertOutcome): readonly string[] {
  const named = `run ${outcome.run_id} units=${String(outcome.units ?? 0)} exit=${String(outcome.exit_code)}`;
  const details = [
    ...toDifferenceLines(outcome.differences).map((line) => `[INFO] ${line}`),
    ...(outcome.document === null
      ? []
      : [`[OK]   document ${outcome.document.id} revision ${String(outcome.document.revision)} sha256 ${outcome.document.sha256}`]),
  ];
  if (outcome.folder !== null) details.push(`[INFO] audit bundle of the run and its revert: ${outcome.folder}/${bundleName}`);
  if (outcome.result === "reverted") return [...details, `[OK]   reverted: ${named} transaction=${outcome.transaction_id ?? "none"}`];
  if (outcome.result === "already_reverted") return [...details, `[OK]   already reverted: ${named} (nothing was repeated)`];
  const why = outcome.code === null ? "" : toErrorLine(outcome.code as Code, outcome.facts);
  return outcome.result === "waiting"
    ? [...details, `[WARN] reverted, and waiting to tell: ${named} waits_on=${outcome.waits_on ?? "none"} ${why}`]
    : [...details, `[ERR]  stopped: ${named} ${why}`];
}
