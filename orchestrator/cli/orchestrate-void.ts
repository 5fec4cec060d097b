// cutter orchestrate void: gives a run up for good, where nothing of it stands.
import { buildCommand } from "@stricli/core";
import { loadConfig } from "../config/load.ts";
import { parseRunId } from "../core/run-id.ts";
import { voidRun } from "../engine/void.ts";
import { phases } from "../phases/index.ts";
import type { CutterContext } from "./context.ts";
import { commonFlags, print, ranAsCutter, parseString, type CommonFlags } from "./flags.ts";

interface Flags extends CommonFlags {
  readonly "run-id": string;
}

export const orchestrateVoidCommand = buildCommand<Flags, [], CutterContext>({
  docs: {
    brief: "Clear a run's idempotency safely",
    fullDescription:
      "Gives a run up for good. Refused while effects of it stand un-reverted, and while it holds its claim on the document: " +
      "that takes a signed SG_3. Writes nothing to the database.",
  },
  parameters: { flags: { ...commonFlags, "run-id": { kind: "parsed", parse: parseString, brief: "Which run", placeholder: "R" } } },
  func: async function (this: CutterContext, flags) {
    const { services } = this;
    const runId = parseRunId(flags["run-id"], { allowDryRunSuffix: true });
    if (await ranAsCutter(this)) return;
    const config = await loadConfig(services.files, services.paths.config);
    const engine = await services.openEngine(config.value, services.toReporter({ json: flags.json }));
    try {
      const { replay } = await voidRun(runId, config.value, phases, engine.ports);
      print(this, flags, { schema: "cutter.orchestrate-void/1", run_id: runId, result: "voided", replay }, [
        `[OK] ${runId} is given up${replay ? " (it was before; nothing was changed)" : ""} and never starts again`,
      ]);
    } finally {
      await engine.close();
    }
  },
});
