// enable: the deliberate flip for one run. Verified here with the stack's keys, again on the host with the host's, one start spent, one
// token, one hour.
import { parseArgs } from "node:util";
import { z } from "zod";
import { CutterError } from "../orchestrator/core/errors.ts";
import { toApprovalFile, toNextLines, withFlags, type NextStep } from "../orchestrator/core/run/next-step.ts";
import { parseRunId, type RunId } from "../orchestrator/core/run-id.ts";
import type { RemoteHost } from "../provision/host/connection.ts";
import { toLeftLine, writeKnownHosts } from "../provision/stack/known-hosts.ts";
import type { StackConfig } from "../provision/stack/config.ts";
import { proveArmed } from "./prove-armed.ts";
import { mustRunOnHost } from "./remote-step.ts";
import { runScript, toRequired } from "./script.ts";
import { readSignedFiles, verifyLocally, type SignedFile } from "./signed-files.ts";
import { readStack, stackOptions, toStackFlags, toTypedFor, withHost } from "./stack.ts";
import { stage, toStagedFolder, unstage } from "./staging.ts";
import { printNextStep } from "./watch-run.ts";

const usage = `runbooks/enable --run-id R --ruling FILE [--approval FILE]... [--stack S] [--host H]
  Enables execution for run R, once, until the printed time. Nothing runs by it: runbooks/start-run does that.
  --ruling FILE    the signed RULING; its signatures lie beside it as FILE.sovereign.asc and FILE.architect.asc
  --approval FILE  a signed SG_1 or SG_2, uploaded to the knowledge base; or an SG_3, which this start then carries. FILE.asc lies beside it
  Each enabling spends one start of the ruling, resumes included.
--stack S is Pulumi.S.yaml here; without it the only one there is. --host H: one of the stack's hosts, where it has several.
Exit: 0 armed · 2 usage · 10 refused, nothing enabled · 11 the knowledge base is away · 30 the ledger needs a person · 78 configuration`;

const reportSchema = z.looseObject({
  schema: z.literal("cutter.arm/1"),
  document_id: z.string(),
  payload_sha: z.string(),
  expires_at: z.string(),
  start: z.int(),
  starts: z.int(),
  human_signers: z.int(),
  accepts: z.array(z.string()),
  decision: z.string().nullable(),
  expired_removed: z.array(z.string()),
  unfinished: z.array(z.string()),
});
type Report = z.infer<typeof reportSchema>;

await runScript(usage, async () => {
  const { values } = parseArgs({
    options: {
      ...stackOptions,
      "run-id": { type: "string" },
      ruling: { type: "string" },
      approval: { type: "string", multiple: true, default: [] },
    },
  });
  const runId = parseRunId(toRequired(values["run-id"], "--run-id"), { allowDryRunSuffix: false });
  const given = { runId, ruling: toRequired(values.ruling, "--ruling"), approvals: values.approval };
  const config = readStack(values.stack);
  const signed = readGiven(given, config);
  if (typeof signed === "number") return signed;
  return await withHost(config, values.host, async (host) => {
    console.log(
      `[INFO] host ${host.address.name} of stack ${config.stack}: verify here, upload, verify there, spend one start, arm ${runId}`,
    );
    try {
      await enable(host, config, runId, signed);
      return 0;
    } catch (error) {
      if (!(error instanceof CutterError)) throw error;
      console.error(`[ERR] ${error.message}`);
      const flags = toStackFlags(config, host);
      const step = toSignStep(error, given, flags);
      if (step === null) await printNextStep(host, config, runId);
      else for (const line of toNextLines(step, flags)) console.log(line);
      return error.exitCode;
    } finally {
      await unstage(host, runId);
    }
  });
});

interface Given {
  readonly runId: RunId;
  readonly ruling: string; // files, as typed
  readonly approvals: readonly string[];
}

/** The documents with their signatures; where one is not there or not signed, its refusal and who signs it, and the exit code. */
function readGiven({ ruling, approvals, ...rest }: Given, config: StackConfig): readonly [ruling: SignedFile, ...SignedFile[]] | number {
  try {
    return [readSignedFiles(ruling), ...approvals.map(readSignedFiles)];
  } catch (error) {
    const flags = { "--stack": config.stack };
    const step = error instanceof CutterError ? toSignStep(error, { ruling, approvals, ...rest }, flags) : null;
    if (!(error instanceof CutterError) || step === null) throw error;
    console.error(`[ERR] ${error.message}`);
    for (const line of toNextLines(step, flags)) console.log(line);
    return error.exitCode;
  }
}

async function enable(host: RemoteHost, config: StackConfig, runId: RunId, signed: readonly [SignedFile, ...SignedFile[]]): Promise<void> {
  const [ruling, ...approvals] = signed;
  for (const line of await verifyLocally(config, host, runId, ruling, approvals)) console.log(line);
  // Before anything is armed: what runbooks/disable must find.
  const left = writeKnownHosts(config);
  if (left.length > 0) console.log(`[WARN] ${toLeftLine(config.stack, left)}`);
  await stage(host, runId, signed);
  for (const document of signed) await upload(host, runId, document);
  const report = await arm(host, runId);
  await proveArmed(host, runId);
  for (const line of toText(runId, (argv) => toTypedFor(config, host, argv), report)) console.log(line);
}

/**
 * A refusal that only a signature lifts: of an approval that is not there, not signed, spent or too old. Null: the host's own explain says
 * what comes next. Pure.
 */
function toSignStep({ code, facts }: CutterError, given: Given, flags: Readonly<Record<string, string>>): NextStep | null {
  const { runId, ruling, approvals } = given;
  const named = facts["file"] === ruling ? "RULING" : /\.(SG_[123]|RULING)\.md$/.exec(String(facts["file"]))?.[1];
  const unsigned = code === "APPROVAL_TOO_OLD" || (code === "APPROVAL_SIGNATURES_WRONG" && facts["reason"] === "missing");
  const wanted =
    code === "RULING_SPENT"
      ? "RULING"
      : unsigned
        ? facts["gate"]
        : code === "APPROVAL_UNREADABLE" && facts["problem"] === "absent"
          ? named
          : null;
  const gate = (["RULING", "SG_1", "SG_2"] as const).find((name) => name === wanted);
  if (gate === undefined) return null;
  const fresh = toApprovalFile(runId, gate); // where the draft is written
  const kept = approvals.map((file) => (file.endsWith(`.${gate}.md`) ? fresh : file));
  const typed = ["runbooks/enable", "--run-id", runId, "--ruling", gate === "RULING" ? fresh : ruling];
  typed.push(...kept.flatMap((file) => ["--approval", file]));
  return {
    next: { sign: gate, draft: ["runbooks/draft", "--run-id", runId, "--gate", gate], use: withFlags(typed, flags) },
    why: `${code}: a signed ${gate} is needed that is fresh`,
    who: "the sovereign signs, then the operator",
  };
}

/** The host verifies it with its own pins before it goes into the knowledge base. */
async function upload(host: RemoteHost, runId: RunId, signed: SignedFile): Promise<void> {
  const folder = toStagedFolder(runId, signed);
  const flags = signed.signatures.flatMap(({ name }) => ["--signature", `${folder}/${name}`]);
  const script = 'run=$1; file=$2; shift 2; exec cutter approval upload --run-id "$run" "$@" "$file"';
  process.stdout.write(
    await mustRunOnHost(host, `upload ${signed.gate}`, script, [runId, `${folder}/${signed.document.name}`, ...flags], {
      deadlineMs: 120_000,
    }),
  );
}

async function arm(host: RemoteHost, runId: RunId): Promise<Report> {
  return reportSchema.parse(
    JSON.parse(await mustRunOnHost(host, "arm", 'exec /opt/cutter/current/bin/cutter-root arm "$1"', [runId], { deadlineMs: 180_000 })),
  );
}

function toText(runId: RunId, typed: (argv: readonly string[]) => string, report: Report): readonly string[] {
  const minutes = Math.floor((Date.parse(report.expires_at) - Date.now()) / 60_000);
  return [
    ...report.expired_removed.map((run) => `[INFO] removed the expired token of ${run}`),
    ...report.unfinished.map(
      (run) => `[WARN] another live run of this host has written and is not finished: ${run} (cutter orchestrate explain --run-id ${run})`,
    ),
    ...(report.human_signers === 1 ? ["[WARN] one human signer: no architect's key is pinned"] : []),
    ...(report.accepts.length === 0 ? [] : [`[WARN] the ruling accepts ${report.accepts.join(", ")}`]),
    `[OK]   armed ${runId}: document ${report.document_id}, payload_sha ` +
      `${report.payload_sha}${report.decision === null ? "" : `, carrying the decision to ${report.decision}`}`,
    `[OK]   start ${String(report.start)} of ${String(report.starts)}; until ${report.expires_at}, ${String(minutes)} ` +
      "minutes from now, it can be started:",
    `    ${typed(["runbooks/start-run", "--run-id", runId])}`,
    `[INFO] to take it back: ${typed(["runbooks/disable"])}`,
  ];
}
