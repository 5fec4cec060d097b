// cutter orchestrate report: the run told from its journal and outputs, checked against the recorded digests.
import { buildCommand } from "@stricli/core";
import { loadConfig } from "../config/load.ts";
import { CutterError } from "../core/errors.ts";
import { toRunReport } from "../core/report.ts";
import { parseRunId } from "../core/run-id.ts";
import { readRun, toStanding, type RecordedRun } from "../engine/read-run.ts";
import type { PhaseText } from "../phases/define.ts";
import { phases } from "../phases/index.ts";
import type { CutterContext } from "./context.ts";
import { commonFlags, print, word, type CommonFlags } from "./flags.ts";

interface Flags extends CommonFlags {
  readonly "run-id": string;
  readonly html?: string;
}

export const orchestrateReportCommand = buildCommand<Flags, [], CutterContext>({
  docs: { brief: "Print the report of a run" },
  parameters: {
    flags: {
      ...commonFlags,
      "run-id": { kind: "parsed", parse: word, brief: "Which run", placeholder: "R" },
      html: { kind: "parsed", parse: word, brief: "Write the report as a page (not in this release)", optional: true, placeholder: "FILE" },
    },
  },
  func: async function (this: CutterContext, flags) {
    if (flags.html !== undefined) throw new CutterError("COMMAND_NOT_BUILT", { command: "orchestrate report --html" });
    const { services } = this;
    const runId = parseRunId(flags["run-id"], { allowDryRunSuffix: true });
    const config = await loadConfig(services.files, services.places.config);
    const run = await readRun(services.files, config.value.sidecar_root, runId);
    const texts = await readTexts(run);
    const report = toRunReport({ status: run.status, texts, certificate: run.status.finished?.certificate ?? null });
    const value = { schema: "cutter.orchestrate-report/1", ...toStanding(run, phases.map((phase) => phase.name)), phases: run.status.done.map((done) => ({ ...done, text: texts.find((text) => text.phase === done.phase)?.text ?? null })) };
    print(this, flags, value, [report.trimEnd()]);
  },
});

/** @throws RUN_FILE_DAMAGED when an output is not what the journal recorded */
async function readTexts(run: RecordedRun): Promise<readonly { readonly phase: string; readonly text: PhaseText }[]> {
  const texts: { phase: string; text: PhaseText }[] = [];
  for (const done of run.status.done) {
    const phase = phases.find((candidate) => candidate.name === done.phase);
    const output = await run.folder.readOutput(done.number, done.phase, done.outputSha256);
    if (phase !== undefined) texts.push({ phase: done.phase, text: phase.toResult(output).text });
  }
  return texts;
}
