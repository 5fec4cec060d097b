// cutter orchestrate run: a dry run from phase 1 to 11, or a live one inside its unit.
import { buildCommand } from "@stricli/core";
import { loadConfig, loadRequest, toRequest, type Loaded } from "../config/load.ts";
import { sha256Hex } from "../core/encoding/digest.ts";
import { CutterError } from "../core/errors.ts";
import { toNextLines, type NextStep } from "../core/run/next-step.ts";
import type { RunOutcome } from "../core/run/outcome.ts";
import type { RunRequest } from "../core/run/request.ts";
import { explain } from "../engine/explain/explain.ts";
import { ownEnd } from "../engine/explain/host-view.ts";
import { readRun, toRunSummary } from "../engine/records/read-run.ts";
import { runPhases } from "../engine/run.ts";
import { decisionSteps } from "../phases/decisions.ts";
import { phases } from "../phases/index.ts";
import type { CutterContext } from "./context.ts";
import { commonFlags, print, ranAsCutter, parseString, type CommonFlags } from "./flags.ts";
import { toOutcomeText } from "./render-outcome.ts";
import { writeStartResult, toRefusedStartResult } from "./start-result.ts";

interface Flags extends CommonFlags {
  readonly "run-id"?: string;
  readonly document?: string;
  readonly mode?: "dryrun" | "live";
  readonly request?: string;
}

export const orchestrateRunCommand = buildCommand<Flags, [], CutterContext>({
  docs: {
    brief: "Run the 11 phases on one document (dry run by default)",
    fullDescription:
      "Runs the 11 phases on one document. A dry run computes everything against live facts, writes nothing to the database " +
      "and certifies it. The same run id again is a no-op once it is done, and goes on where it stood otherwise.",
  },
  parameters: {
    flags: {
      ...commonFlags,
      "run-id": { kind: "parsed", parse: parseString, brief: "Run id, 3 to 48 characters", optional: true, placeholder: "R" },
      document: { kind: "parsed", parse: parseString, brief: "Knowledge base id of the document", optional: true, placeholder: "D" },
      mode: { kind: "enum", values: ["dryrun", "live"], brief: "What to do; dryrun when not said", optional: true },
      request: {
        kind: "parsed",
        parse: parseString,
        brief: "Read run id, document, mode and approvals from this file",
        optional: true,
        placeholder: "FILE",
      },
    },
  },
  func: async function (this: CutterContext, flags: Flags): Promise<void> {
    try {
      await runCommand.call(this, flags);
    } catch (error) {
      await writeStartResult(this.services, toRefusedStartResult(error));
      throw error;
    }
  },
});

async function runCommand(this: CutterContext, flags: Flags): Promise<void> {
  const { services } = this;
  const request = await readRequest(this, flags);
  const { run_id: runId, document_id: documentId, mode, approvals } = request.value;
  if (mode === "live") {
    // Before configuration, credentials, journal and database: an unauthorised live run touches nothing at all.
    if (!(await services.executionEnabled(runId))) throw new CutterError("ProductionExecutionNotAuthorized", { run_id: runId });
    if (!(await services.isInRunUnit(runId))) throw new CutterError("EXECUTION_OUTSIDE_UNIT", { run_id: runId });
  }
  if (await ranAsCutter(this)) return;
  const config = await loadConfig(services.files, services.paths.config);
  const release = await services.readRelease();
  const hostIdentity = await services.readHostIdentity();
  const engine = await services.openEngine(config.value, services.toReporter({ json: flags.json }));
  try {
    const outcome = await runPhases(
      {
        facts: {
          runId,
          documentId,
          mode,
          config: config.value,
          approvals,
          releaseVersion: release.version,
          releaseSha256: release.sha256,
          hostIdentity,
        },
        inputs: {
          request_sha256: request.sha256,
          config_sha256: toInputSha256(config.text),
          release_sha256: release.sha256,
          host_identity: hostIdentity,
        },
        requestText: request.text,
        phases,
        decisions: decisionSteps,
        signal: services.signal,
      },
      engine.ports,
    );
    await writeStartResult(services, outcome);
    const step = await readNextStep(this, config.value.sidecar_root, outcome, flags.request === undefined ? null : request.value);
    // Whoever watches a unit is told by what the host says once the unit has ended.
    const lines = outcome.exit_code === 0 || services.paths.startResult !== null ? [] : toNextLines(step);
    print(this, flags, { ...outcome, ...step }, [...toOutcomeText(outcome), ...lines]);
    this.process.exitCode = outcome.exit_code;
  } finally {
    await engine.close();
  }
}

/** What comes after this very start, as explain will say it. */
async function readNextStep(
  { services }: CutterContext,
  root: string,
  { run_id: runId, code }: Pick<RunOutcome, "run_id" | "code">,
  request: RunRequest | null,
): Promise<NextStep> {
  const run = await readRun(services.files, root, runId);
  const summary = toRunSummary(
    run,
    phases.map((phase) => phase.name),
  );
  const requested = request === null ? null : { mode: request.mode, documentId: request.document_id };
  const { next, why, who } = explain(run, summary, { ...ownEnd, request: requested, recordsStand: code === null });
  return { next, why, who };
}

/** Of all but the way back: who reverts is pinned while a run is unfinished, and what a run does does not depend on it. */
function toInputSha256(configText: string): string {
  return sha256Hex(configText.replace(/^revert_principal: .*\n/m, ""));
}

/** From the file, or from the options; both together must agree. */
async function readRequest(context: CutterContext, flags: Flags): Promise<Loaded<RunRequest>> {
  if (flags.request === undefined) {
    if (flags["run-id"] === undefined || flags.document === undefined)
      throw new CutterError("USAGE_INVALID", { problem: "--run-id and --document, or --request, are needed" });
    return toRequest(flags["run-id"], flags.document, flags.mode ?? "dryrun");
  }
  const request = await loadRequest(context.services.files, flags.request);
  const said = { run_id: flags["run-id"], document_id: flags.document, mode: flags.mode };
  const different = (["run_id", "document_id", "mode"] as const).filter(
    (name) => said[name] !== undefined && said[name] !== request.value[name],
  );
  if (different.length > 0) throw new CutterError("USAGE_INVALID", { reason: "request_and_options_differ", different });
  return request;
}
