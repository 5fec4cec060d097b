// start-run: starts the scoped run R, shows it working, and exits with what it did to production.
import { parseRunId } from "../orchestrator/core/run-id.ts";
import { runOperatorScript, toRequired } from "./operator-script.ts";
import { runOnHost, toResultLine } from "./run-on-host.ts";

const usage = `runbooks/start-run --run-id R [--stack S] [--host H]
  Starts cutter-run@R on the host; it does only what the request of R says. Exits with the run's own code.
Exit: 0 done · 2 usage · 10 refused or stopped, nothing written · 11 waiting, run it again · 20 written, resumable · 30 a person must decide · 78 configuration`;

await runOperatorScript({
  usage,
  options: { "run-id": { type: "string" } },
  act: async ({ host, target, values }) => {
    const runId = parseRunId(toRequired(values, "run-id"), { allowDryRunSuffix: true });
    const result = await runOnHost(host, runId, (target.config.orchestrator.run_hard_cap_minutes + 6) * 60_000, console.log);
    console.log(toResultLine(result));
    return result.exit_code;
  },
});
