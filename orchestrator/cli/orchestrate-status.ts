// cutter orchestrate status: what stands, what it waits for, since when, on whom.
import { buildCommand } from "@stricli/core";
import { loadConfig } from "../config/load.ts";
import { CutterError } from "../core/errors.ts";
import { parseRunId } from "../core/run-id.ts";
import { readWholeRun, readRunOrRequest, toRunSummary, type RunSummary } from "../engine/records/read-run.ts";
import { phases } from "../phases/index.ts";
import type { CutterContext } from "./context.ts";
import { commonFlags, print, parseString, type CommonFlags } from "./flags.ts";

interface Flags extends CommonFlags {
  readonly "run-id"?: string;
}

export const orchestrateStatusCommand = buildCommand<Flags, [], CutterContext>({
  docs: { brief: "Say what stands, what it waits for, since when, on whom" },
  parameters: {
    flags: { ...commonFlags, "run-id": { kind: "parsed", parse: parseString, brief: "Only this run", optional: true, placeholder: "R" } },
  },
  func: async function (this: CutterContext, flags) {
    const { services } = this;
    const config = await loadConfig(services.files, services.paths.config);
    const root = config.value.sidecar_root;
    const wanted = flags["run-id"];
    if (wanted !== undefined) parseRunId(wanted, { allowDryRunSuffix: true });
    const names = wanted === undefined ? ((await services.files.list(root)) ?? []) : [wanted];
    const runs: RunSummary[] = [];
    for (const name of names) runs.push(await readRunSummary(this, root, name, wanted !== undefined));
    print(this, flags, { schema: "cutter.orchestrate-status/1", runs }, runs.length === 0 ? ["no runs yet"] : runs.map(toSummaryLine));
  },
});

/** A damaged run must not hide the others; asked for by name, its error is the answer. */
async function readRunSummary(context: CutterContext, root: string, name: string, byName: boolean): Promise<RunSummary> {
  const { files, paths } = context.services;
  try {
    return toRunSummary(
      await (byName ? readRunOrRequest(files, root, paths.requests, name) : readWholeRun(files, root, name)),
      phases.map((phase) => phase.name),
    );
  } catch (error) {
    if (byName || !(error instanceof CutterError)) throw error;
    return {
      run_id: name,
      mode: null,
      document_id: null,
      state: "damaged",
      phase: null,
      phases_done: 0,
      waits_on: null,
      on_whom: "the operator",
      since: null,
      code: error.code,
      exit_code: error.exitCode,
      certificate: null,
      revert: null,
    };
  }
}

function toSummaryLine(run: RunSummary): string {
  const facts = [
    ["mode", run.mode],
    ["document", run.document_id],
    ["phases", `${String(run.phases_done)}/${String(phases.length)}`],
    ["phase", run.phase],
    ["waits_on", run.waits_on],
    ["on", run.on_whom],
    ["since", run.since],
    ["code", run.code],
    ["certificate", run.certificate],
    ...toRevertFacts(run),
  ] as const;
  return [
    run.run_id,
    run.revert?.state === "reverted" ? "REVERTED" : run.state,
    ...facts.flatMap(([name, value]) => (value === null ? [] : [`${name}=${value.includes(" ") ? JSON.stringify(value) : value}`])),
  ].join(" ");
}

function toRevertFacts({ state, revert }: RunSummary): readonly (readonly [name: string, value: string | null])[] {
  if (revert === null) return [];
  const approval = [
    ["revert_signed_by", revert.approval?.signer ?? null],
    ["revert_review_decision_id", revert.approval?.review_decision_id ?? null],
  ] as const;
  return revert.state === "reverted"
    ? [["run_was", state], ["reverted_at", revert.reverted_at], ["seen_retired_at", revert.verified_at], ...approval]
    : [["revert", revert.state], ["revert_code", revert.code], ...approval];
}
