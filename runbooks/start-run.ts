// start-run: starts the scoped run R, shows it working, and exits with what it did to production.
import { parseArgs } from "node:util";
import { parseRunId } from "../orchestrator/core/run-id.ts";
import { startUnitAndWait, toResultLine } from "./start-unit.ts";
import { runScript, toRequired } from "./script.ts";
import { readStack, stackOptions, withHost } from "./stack.ts";

const usage = `runbooks/start-run --run-id R [--stack S] [--host H]
  Starts cutter-run@R on the host; it does only what the request of R says. A live run must be enabled first, each time: runbooks/enable.
  Exits with the run's own code.
--stack S is Pulumi.S.yaml here; without it: sandbox. --host H: one of the stack's hosts, where it has several.
Exit: 0 done · 2 usage · 10 refused or stopped, this start wrote nothing · 11 waiting for the knowledge base, nothing written · 20 written, resumable · 30 a person must decide · 78 configuration`;

await runScript(usage, async () => {
  const { values } = parseArgs({ options: { ...stackOptions, "run-id": { type: "string" } } });
  const runId = parseRunId(toRequired(values["run-id"], "--run-id"), { allowDryRunSuffix: true });
  const config = readStack(values.stack);
  return await withHost(config, values.host, async (host) => {
    console.log(`[INFO] host ${host.address.name} of stack ${config.stack}: systemctl start cutter-run@${runId}`);
    const result = await startUnitAndWait(host, runId, (config.orchestrator.run_hard_cap_minutes + 6) * 60_000, console.log);
    console.log(toResultLine(result));
    return result.exit_code;
  });
});
