// cutter orchestrate explain: for a run that stands still, what is certain, what is not, the one safe next step, who must act.
import { buildCommand } from "@stricli/core";
import { loadConfig } from "../config/load.ts";
import { tryParseJson } from "../core/encoding/try-parse-json.ts";
import { toNextLines, withStack } from "../core/run/next-step.ts";
import { parseRunId } from "../core/run-id.ts";
import { explain } from "../engine/explain/explain.ts";
import { readHostView } from "../engine/explain/read-host-view.ts";
import { readRunOrRequest, toRunSummary } from "../engine/records/read-run.ts";
import { readKillSwitch } from "../kill-switch.ts";
import { phases } from "../phases/index.ts";
import type { CutterContext, Services } from "./context.ts";
import { commonFlags, print, parseString, type CommonFlags } from "./flags.ts";

interface Flags extends CommonFlags {
  readonly "run-id": string;
}

export const orchestrateExplainCommand = buildCommand<Flags, [], CutterContext>({
  docs: {
    brief: "Explain a run that stands still: what is certain, what is not, what to do, who must act",
    fullDescription:
      "Tells what is certain and what is not, and the one safe next step: `next` is a command as it is typed (those that begin with " +
      "runbooks/ in the checkout, cutter on the host), or a signature with the command that drafts it and the command that uses it, or " +
      "nothing. With --json it is data.",
  },
  parameters: { flags: { ...commonFlags, "run-id": { kind: "parsed", parse: parseString, brief: "Which run", placeholder: "R" } } },
  func: async function (this: CutterContext, flags) {
    const { services } = this;
    const { files, paths } = services;
    const runId = parseRunId(flags["run-id"], { allowDryRunSuffix: true });
    const { sidecar_root: sidecarRoot } = (await loadConfig(files, paths.config)).value;
    const run = await readRunOrRequest(files, sidecarRoot, paths.requests, runId);
    const view = await readHostView(
      {
        files,
        sidecarRoot,
        requests: paths.requests,
        results: paths.results,
        readUnit: (wanted) => services.readUnit(wanted),
        readKillSwitch: () => readKillSwitch(files, paths, services.clock.now()),
      },
      runId,
      run,
    );
    const names = phases.map((phase) => phase.name);
    const explained = explain(run, toRunSummary(run, names), view);
    const { certain, uncertain } = explained;
    const { next, why, who } = withStack(explained, await readStackFlags(services));
    print(this, flags, { schema: "cutter.orchestrate-explain/1", run_id: runId, certain, uncertain, next, why, who }, [
      ...certain.map((line) => `certain:  ${line}`),
      ...uncertain.map((line) => `unknown:  ${line}`),
      ...toNextLines({ next, why, who }),
    ]);
  },
});

/** The stack that made this host, as its ownership manifest names it: root alone reads that, everybody else adds the flag by hand. */
async function readStackFlags({ files, paths }: Services): Promise<Readonly<Record<string, string>>> {
  const bytes = await files.read(paths.ownership).catch(() => null);
  const lines = bytes === null ? [] : new TextDecoder().decode(bytes).split("\n");
  const stacks = new Set(
    lines.flatMap((line) => {
      const claim = tryParseJson(line);
      const urn = typeof claim === "object" && claim !== null && "urn" in claim ? String(claim.urn) : "";
      const stack = /^urn:pulumi:([A-Za-z0-9._-]+)::/.exec(urn)?.[1];
      return stack === undefined ? [] : [stack];
    }),
  );
  const [stack] = stacks;
  return stack === undefined || stacks.size > 1 ? {} : { "--stack": stack };
}
