// cutter orchestrate report: the run told from its journal and outputs, checked against the recorded digests; as text, as JSON, or as one
// page for people.
import { buildCommand } from "@stricli/core";
import { loadConfig } from "../config/load.ts";
import { CutterError } from "../core/errors.ts";
import { readLines } from "../core/journal/chain.ts";
import { renderHtml } from "../core/page/html.ts";
import { renderText } from "../core/page/text.ts";
import { parseRevertRecord } from "../core/revert/journal.ts";
import type { RunAccount } from "../core/report/account.ts";
import { toRunPage, type CurrentHostState } from "../core/report/report.ts";
import { parseRunId } from "../core/run-id.ts";
import { readAccount } from "../engine/records/read-account.ts";
import { readRun, toRunSummary } from "../engine/records/read-run.ts";
import { readKillSwitch } from "../kill-switch.ts";
import { phases } from "../phases/index.ts";
import type { SwitchState } from "../ports/run-ports.ts";
import type { CutterContext, Services } from "./context.ts";
import { commonFlags, print, parseString, writePage, type CommonFlags } from "./flags.ts";

interface Flags extends CommonFlags {
  readonly "run-id": string;
  readonly html?: string;
}

export const orchestrateReportCommand = buildCommand<Flags, [], CutterContext>({
  docs: { brief: "Print the report of a run, or write it as one HTML page" },
  parameters: {
    flags: {
      ...commonFlags,
      "run-id": { kind: "parsed", parse: parseString, brief: "Which run", placeholder: "R" },
      html: {
        kind: "parsed",
        parse: parseString,
        brief: "Write the report as one self-contained page; - is stdout",
        optional: true,
        placeholder: "FILE",
      },
    },
  },
  func: async function (this: CutterContext, flags) {
    if (flags.json && flags.html !== undefined) throw new CutterError("USAGE_INVALID", { problem: "one of --json and --html" });
    const { services } = this;
    const runId = parseRunId(flags["run-id"], { allowDryRunSuffix: true });
    const config = await loadConfig(services.files, services.paths.config);
    const run = await readRun(services.files, config.value.sidecar_root, runId);
    const account = await readAccount(services.files, run, phases);
    const page = toRunPage(account, await readCurrentHostState(services, run.folder.path));
    if (flags.html !== undefined) {
      await writePage(this, flags.html, renderHtml(page), `[OK] report of ${runId}`);
      return;
    }
    print(
      this,
      flags,
      {
        schema: "cutter.orchestrate-report/1",
        ...toRunSummary(
          run,
          phases.map((phase) => phase.name),
        ),
        ...toJson(account),
      },
      [renderText(page).trimEnd()],
    );
  },
});

async function readCurrentHostState(services: Services, folder: string): Promise<CurrentHostState> {
  const at = services.clock.now().toISOString();
  const state = await readKillSwitch(services.files, services.paths, services.clock.now()).catch((error: unknown) => {
    if (error instanceof CutterError) return null;
    throw error;
  });
  return {
    at,
    revertedAt: await readRevertedAt(services, folder),
    killSwitch: state === null ? "it cannot be read from here; run this as root" : toWords(state),
  };
}

/** When the revert of this run was seen to be whole, by its own journal. @throws JOURNAL_* */
async function readRevertedAt({ files }: Services, folder: string): Promise<string | null> {
  const file = `${folder}/revert/journal.jsonl`;
  const bytes = await files.read(file);
  return bytes === null
    ? null
    : (readLines(bytes, file, parseRevertRecord).records.findLast(({ entry }) => entry.kind === "verified")?.at ?? null);
}

function toWords(state: SwitchState): string {
  switch (state.state) {
    case "off":
      return "off";
    case "disabled":
      return "off, and disabled by the latch";
    case "armed":
      return `armed for run ${state.runId}${state.until === null ? "" : ` until ${state.until}`}`;
    case "live":
      return `LIVE for run ${state.runId}${state.since === null ? "" : ` since ${state.since}`}`;
  }
}

function toJson({
  source,
  plan,
  approvals,
  effects,
  escalations,
  decisions,
  tables,
  backup,
  phases: done,
  notCovered,
  certificateReasons,
}: RunAccount): object {
  return {
    source,
    payload_sha: plan?.payloadSha ?? null,
    units: plan?.units ?? [],
    approvals: approvals.map(({ at, entry }) => ({ verified_at: at, ...entry })),
    effects,
    escalations: escalations.map(({ at, entry }) => ({ at, ...entry })),
    decisions: decisions.map(({ at, entry }) => ({ at, ...entry })),
    tables,
    backup,
    certificate_reasons: certificateReasons,
    not_covered: notCovered,
    phases: done,
  };
}
