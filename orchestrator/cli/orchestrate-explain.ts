// cutter orchestrate explain: for a run that stands still, what is certain, what is not, the one safe next command, who must act.
import { buildCommand } from "@stricli/core";
import { loadConfig } from "../config/load.ts";
import { codes, type Code } from "../core/codes/index.ts";
import { toErrorLine } from "../core/errors.ts";
import { parseRunId } from "../core/run-id.ts";
import { readRun, toStanding, type RecordedRun, type RunStanding } from "../engine/read-run.ts";
import { phases } from "../phases/index.ts";
import type { CutterContext } from "./context.ts";
import { commonFlags, print, word, type CommonFlags } from "./flags.ts";

interface Flags extends CommonFlags {
  readonly "run-id": string;
}

export const orchestrateExplainCommand = buildCommand<Flags, [], CutterContext>({
  docs: { brief: "Explain a run that stands still: what is certain, what is not, what to do, who must act" },
  parameters: { flags: { ...commonFlags, "run-id": { kind: "parsed", parse: word, brief: "Which run", placeholder: "R" } } },
  func: async function (this: CutterContext, flags) {
    const { services } = this;
    const runId = parseRunId(flags["run-id"], { allowDryRunSuffix: true });
    const config = await loadConfig(services.files, services.places.config);
    const run = await readRun(services.files, config.value.sidecar_root, runId);
    const requested = (await services.files.facts(`${services.places.requests}/${runId}.yaml`)) !== null;
    const explained = explain(run, toStanding(run, phases.map((phase) => phase.name)), requested);
    print(this, flags, { schema: "cutter.orchestrate-explain/1", run_id: runId, ...explained }, [
      ...explained.certain.map((line) => `certain:  ${line}`),
      ...explained.uncertain.map((line) => `unknown:  ${line}`),
      `next:     ${explained.next}`,
      `who:      ${explained.who}`,
    ]);
  },
});

interface Explained {
  readonly certain: readonly string[];
  readonly uncertain: readonly string[];
  readonly next: string;
  readonly who: string;
}

/** `requested`: there is a request file, so its unit starts it again; a run named by options is started by the same options. Pure. */
function explain(run: RecordedRun, standing: RunStanding, requested: boolean): Explained {
  const { status } = run;
  const again = requested ? `systemctl start cutter-run@${run.runId}` : `cutter orchestrate run --run-id ${run.runId} --document ${standing.document_id ?? "D"}`;
  const certain = [
    ...(status.started === null ? ["this run never began"] : [`${status.started.mode} run of ${status.started.document_id}, begun ${status.started.at}, ${String(status.attempt)} starts`]),
    ...(status.started?.mode === "dryrun" ? ["it is a dry run: it has no way to write to the database"] : []),
    ...status.done.map((done) => `phase ${String(done.number)} ${done.phase} is done${done.receipt === null ? ", its document not yet receipted" : ""}`),
    ...(status.finished === null ? [] : [`it is finished: certificate ${status.finished.certificate}`]),
    ...(status.lastEnd?.code === null || status.lastEnd === null ? [] : [`its last start ended with ${toStop(status.lastEnd.code, status.lastEnd.facts)}`]),
  ];
  switch (standing.state) {
    case "done":
      return { certain, uncertain: [], next: `cutter orchestrate report --run-id ${run.runId}`, who: "nobody" };
    case "waiting":
      return { certain, uncertain: ["whether the knowledge base stored the last document: the next start reads before it writes"], next: again, who: "whoever runs the knowledge base, then the operator" };
    case "begun":
      return { certain, uncertain: [`whether it is still going on: systemctl is-active cutter-run@${run.runId}`], next: `${again} (it goes on where it stood)`, who: "the operator" };
    default:
      return { certain, uncertain: [], next: again, who: "the operator, after the remedy above" };
  }
}

function toStop(code: string, facts: Parameters<typeof toErrorLine>[1]): string {
  return code in codes ? toErrorLine(code as Code, facts) : code;
}
