// cutter orchestrate explain: for a run that stands still, what is certain, what is not, the one safe next command, who must act.
import { buildCommand } from "@stricli/core";
import { loadConfig } from "../config/load.ts";
import { parseRunId } from "../core/run-id.ts";
import { explain } from "../engine/explain/explain.ts";
import { readRun, toRunSummary } from "../engine/records/read-run.ts";
import { phases } from "../phases/index.ts";
import type { CutterContext } from "./context.ts";
import { commonFlags, print, parseString, type CommonFlags } from "./flags.ts";

interface Flags extends CommonFlags {
  readonly "run-id": string;
}

export const orchestrateExplainCommand = buildCommand<Flags, [], CutterContext>({
  docs: { brief: "Explain a run that stands still: what is certain, what is not, what to do, who must act" },
  parameters: { flags: { ...commonFlags, "run-id": { kind: "parsed", parse: parseString, brief: "Which run", placeholder: "R" } } },
  func: async function (this: CutterContext, flags) {
    const { services } = this;
    const runId = parseRunId(flags["run-id"], { allowDryRunSuffix: true });
    const config = await loadConfig(services.files, services.paths.config);
    const run = await readRun(services.files, config.value.sidecar_root, runId);
    const requested = (await services.files.facts(`${services.paths.requests}/${runId}.yaml`)) !== null;
    const explained = explain(
      run,
      toRunSummary(
        run,
        phases.map((phase) => phase.name),
      ),
      requested,
    );
    print(this, flags, { schema: "cutter.orchestrate-explain/1", run_id: runId, ...explained }, [
      ...explained.certain.map((line) => `certain:  ${line}`),
      ...explained.uncertain.map((line) => `unknown:  ${line}`),
      `next:     ${explained.next}`,
      `who:      ${explained.who}`,
    ]);
  },
});
