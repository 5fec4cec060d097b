// prepare: writes the requests of run R on the host and dry-runs it as R.dryrun.
import { parseArgs } from "node:util";
import { stringify } from "yaml";
import { CutterError } from "../orchestrator/core/errors.ts";
import { hostLayout } from "../orchestrator/core/host-layout.ts";
import { assertKbId } from "../orchestrator/core/kb-id.ts";
import type { RunRequest } from "../orchestrator/core/request.ts";
import { parseRunId, toDryRunId, type RunId } from "../orchestrator/core/run-id.ts";
import type { RemoteHost } from "../provision/host/connection.ts";
import { runOnHost, toResultLine } from "./run-on-host.ts";
import { runScript, toRequired } from "./script.ts";
import { readStack, stackOptions, withHost } from "./stack.ts";

const usage = `runbooks/prepare --run-id R --document D [--stack S] [--host H]
  Writes the requests of run R (live) and R.dryrun on the host, then dry-runs R.dryrun and prints its payload_sha.
  Nothing is enabled and nothing is written to the database.
  --run-id R     3 to 48 characters of A-Z a-z 0-9 . _ -
  --document D   knowledge base id of a registered source document
Exit: 0 done · 2 usage · 10 refused or stopped · 11 waiting for the knowledge base, run it again · 78 configuration`;

/** Written beside and renamed, so a half-written request never has the name. An equal one stays; another one is a refusal. */
const writeRequest = `set -eu
path=$1; new=$(mktemp "$path.XXXXXX"); trap 'rm -f "$new"' EXIT
cat > "$new"; chown root:cutter "$new"; chmod 0640 "$new"
if [ -e "$path" ]; then cmp -s "$path" "$new" && exit 0; exit 3; fi
sync "$new"; mv -T -n "$new" "$path"; sync "$(dirname "$path")"`;

await runScript(usage, async () => {
  const { values } = parseArgs({ options: { ...stackOptions, "run-id": { type: "string" }, document: { type: "string" } } });
  const runId = parseRunId(toRequired(values["run-id"], "--run-id"), { allowDryRunSuffix: false });
  const documentId = toRequired(values.document, "--document");
  assertKbId(documentId);
  const dryRunId = toDryRunId(runId);
  const config = readStack(values.stack);
  return await withHost(config, values.host, async (host) => {
    console.log(`[INFO] host ${host.address.name} of stack ${config.stack}: requests of ${runId} and ${dryRunId}, then the dry run`);
    await ensureRequest(host, runId, documentId, "live");
    await ensureRequest(host, dryRunId, documentId, "dryrun");
    const result = await runOnHost(host, dryRunId, (config.orchestrator.run_hard_cap_minutes + 6) * 60_000, console.log);
    console.log(toResultLine(result));
    if (result.exit_code === 0) console.log("[INFO] this release has no live execution: the drafts to sign come with the one that has");
    return result.exit_code;
  });
});

/** @throws REQUEST_DIFFERS when the id is taken by another request */
async function ensureRequest(host: RemoteHost, runId: RunId, documentId: string, mode: RunRequest["mode"]): Promise<void> {
  const request: RunRequest = { schema: "cutter.request/1", run_id: runId, document_id: documentId, mode, approvals: {} };
  const path = `${hostLayout.requests}/${runId}.yaml`;
  const { code, stderr } = await host.run(writeRequest, [path], { timeoutMs: 30_000, stdin: Buffer.from(stringify(request)) });
  if (code === 3) throw new CutterError("REQUEST_DIFFERS", { run_id: runId, path });
  if (code !== 0) throw new CutterError("HOST_COMMAND_FAILED", { host: host.address.name, step: "write the request", exit_code: code ?? "unknown", stderr: stderr.slice(0, 200) });
}
