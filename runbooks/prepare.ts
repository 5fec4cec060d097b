// prepare: writes the requests of run R on the host, dry-runs it as R.dryrun, and fetches the drafts that are to be signed.
import { dirname } from "node:path";
import { parseArgs } from "node:util";
import { stringify } from "yaml";
import { toRequestApprovals } from "../orchestrator/core/approval/document-ids.ts";
import { codes } from "../orchestrator/core/codes/index.ts";
import { CutterError } from "../orchestrator/core/errors.ts";
import { hostLayout } from "../orchestrator/core/host/layout.ts";
import { assertKbId } from "../orchestrator/core/knowledge-base/id.ts";
import type { RunRequest } from "../orchestrator/core/run/request.ts";
import { parseRunId, toDryRunId, type RunId } from "../orchestrator/core/run-id.ts";
import type { RemoteHost } from "../provision/host/connection.ts";
import { toStaleLines, writeDrafts, type WrittenDraft } from "./drafts.ts";
import { runScript, toRequired } from "./script.ts";
import { toSignNothingLines } from "./sign-nothing.ts";
import { readStack, stackOptions, toTypedFor, withHost } from "./stack.ts";
import { watchStart } from "./watch-run.ts";

const usage = `runbooks/prepare --run-id R --document D [--stack S] [--host H]
  Writes the requests of run R (live) and R.dryrun on the host, dry-runs R.dryrun, and writes the drafts of SG_1, SG_2 and the RULING
  to approvals/R/ here, with the commands to fill and sign them. Nothing is enabled and nothing is written to the database.
  --run-id R     3 to 48 characters of A-Z a-z 0-9 . _ -
  --document D   knowledge base id of a registered source document
--stack S is Pulumi.S.yaml here; without it the only one there is. --host H: one of the stack's hosts, where it has several.
Exit: 0 done · 2 usage · 10 refused, stopped, or nothing to sign · 11 waiting for the knowledge base, run it again
  · 30 its end was not seen · 78 configuration · 130 Ctrl-C, the dry run goes on`;

/** Written beside and renamed, so a half-written request never has the name. An equal one stays; another one is a refusal. */
const writeRequest = `set -eu
path=$1; new=$(mktemp "$path.XXXXXX"); trap 'rm -f "$new"' EXIT
cat > "$new"; chown root:cutter "$new"; chmod 0640 "$new"
if [ -e "$path" ]; then cmp -s "$path" "$new" && exit 0; exit 3; fi
sync "$new"; mv -T -n "$new" "$path"; sync "$(dirname "$path")"`;

/** Where no paper of this run id can be used, and a new id leads on. */
const nothingToSign: ReadonlySet<string> = new Set(["SIGN_NOTHING", "RUN_ID_TAKEN", "CERTIFICATE_INCONCLUSIVE"]);

await runScript(usage, async () => {
  const { values } = parseArgs({ options: { ...stackOptions, "run-id": { type: "string" }, document: { type: "string" } } });
  const runId = parseRunId(toRequired(values["run-id"], "--run-id"), { allowDryRunSuffix: false });
  const documentId = toRequired(values.document, "--document");
  assertKbId(documentId);
  const dryRunId = toDryRunId(runId);
  const config = readStack(values.stack);
  return await withHost(config, values.host, async (host) => {
    console.log(`[INFO] host ${host.address.name} of stack ${config.stack}: requests of ${runId} and ${dryRunId}, then the dry run`);
    try {
      await ensureRequest(host, {
        run_id: runId,
        document_id: documentId,
        mode: "live",
        approvals: toRequestApprovals(config.orchestrator.kb_runs_folder, runId),
      });
      await ensureRequest(host, { run_id: dryRunId, document_id: documentId, mode: "dryrun", approvals: {} });
      const again = ["runbooks/prepare", "--run-id", runId, "--document", documentId];
      const { exitCode, certificate } = await watchStart(host, config, dryRunId, again);
      if (exitCode !== 0) return exitCode;
      if (certificate !== "pass") throw new CutterError("CERTIFICATE_INCONCLUSIVE", { run_id: dryRunId, certificate });
      const drafts = await writeDrafts(host, runId, ["SG_1", "SG_2", "RULING"]);
      for (const line of toSigningText(runId, (argv) => toTypedFor(config, host, argv), drafts)) console.log(line);
      return drafts.some(({ stale }) => stale.length > 0) ? codes.SIGN_NOTHING.exit : 0;
    } catch (error) {
      if (!(error instanceof CutterError) || !nothingToSign.has(error.code)) throw error;
      const run = { runId, documentId, usedIds: await readUsedIds(host) };
      for (const line of toSignNothingLines(error, run, (argv) => toTypedFor(config, host, argv))) console.log(line);
      return error.exitCode;
    }
  });
});

/** Run ids of the requests on the host; none where they cannot be listed: the proposal is then only a proposal. */
async function readUsedIds(host: RemoteHost): Promise<readonly string[]> {
  const { code, stdout } = await host.run('ls -- "$1"', [hostLayout.requests], { timeoutMs: 30_000 });
  return code === 0 ? stdout.split("\n").flatMap((name) => (name.endsWith(".yaml") ? [name.slice(0, -".yaml".length)] : [])) : [];
}

/** @throws RUN_ID_TAKEN when the id is taken by another request */
async function ensureRequest(host: RemoteHost, wanted: Omit<RunRequest, "schema">): Promise<void> {
  const request: RunRequest = { schema: "cutter.request/1", ...wanted };
  const runId = request.run_id;
  const path = `${hostLayout.requests}/${runId}.yaml`;
  const { code, stderr } = await host.run(writeRequest, [path], { timeoutMs: 30_000, stdin: Buffer.from(stringify(request)) });
  if (code === 3) throw new CutterError("RUN_ID_TAKEN", { reason: "request_differs", run_id: runId, path });
  if (code !== 0)
    throw new CutterError("HOST_COMMAND_FAILED", {
      host: host.address.name,
      step: "write the request",
      exit_code: code ?? "unknown",
      stderr: stderr.slice(0, 200),
    });
}

/** What to sign, how, and what comes next. Pure. */
function toSigningText(runId: RunId, typed: (argv: readonly string[]) => string, drafts: readonly WrittenDraft[]): readonly string[] {
  const stale = toStaleLines(drafts);
  if (stale.length > 0) return stale;
  const [first] = drafts;
  const folder = first === undefined ? "approvals" : dirname(first.file);
  const of = (gate: WrittenDraft["gate"]): string => drafts.find((draft) => draft.gate === gate)?.file ?? "";
  return [
    ...[...new Set(first?.wouldRefuse)].map(
      (code) =>
        `[WARN] a live run would refuse: ${code}${code === "PRINCIPAL_TOO_STRONG" ? " (a ruling can accept it by name, in accepts)" : ""}`,
    ),
    `[INFO] drafts to sign, in ${folder}/ of this checkout (ignored by git; they hold no secret):`,
    ...drafts.flatMap(({ gate, file, commands, kept }) => [
      `[INFO] ${gate}: ${file}${kept ? " was there already and was left as it is (remove it to have it drafted afresh)" : ""}. ` +
        `To fill and sign it, in ${folder}/:`,
      ...commands.map((command) => `    ${command}`),
    ]),
    "[INFO] SG_1 is good for 24 hours, SG_2 for 12, the ruling until its expires_at; then:",
    `    ${typed(["runbooks/enable", "--run-id", runId, "--ruling", of("RULING"), "--approval", of("SG_1"), "--approval", of("SG_2")])}`,
  ];
}
