// start-run: starts the scoped run R, shows it working, and exits with what it did to production.
import { parseArgs } from "node:util";
import { parseRunId } from "../orchestrator/core/run-id.ts";
import { watchRun } from "./watch-run.ts";
import { runScript, toRequired } from "./script.ts";
import { readStack, stackOptions, withHost } from "./stack.ts";

const usage = `runbooks/start-run --run-id R [--stack S] [--host H]
  Starts cutter-run@R on the host; it does only what the request of R says. A live run must be enabled first, each time: runbooks/enable.
  A start that is going on is joined and shown from its beginning; nothing is started then. Ctrl-C ends only the showing: the run goes on.
  Exits with the run's own code. Where the run did not end as done, the last lines say what comes next (cutter orchestrate explain).
--stack S is Pulumi.S.yaml here; without it the only one there is. --host H: one of the stack's hosts, where it has several.
Exit: 0 done · 2 usage · 10 refused or stopped, this start wrote nothing · 11 waiting for the knowledge base, nothing written · 20 written, resumable · 30 a person must decide · 78 configuration · 130 Ctrl-C, the run goes on`;

await runScript(usage, async () => {
  const { values } = parseArgs({ options: { ...stackOptions, "run-id": { type: "string" } } });
  const runId = parseRunId(toRequired(values["run-id"], "--run-id"), { allowDryRunSuffix: true });
  const config = readStack(values.stack);
  return await withHost(config, values.host, async (host) => {
    console.log(`[INFO] host ${host.address.name} of stack ${config.stack}: systemctl start cutter-run@${runId}`);
    return await watchRun(host, config, runId, ["runbooks/start-run", "--run-id", runId]);
  });
});
