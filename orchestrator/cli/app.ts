// The command line: every command in one tree, one way to print errors, and the contract's exit codes.
import {
  ArgumentScannerError,
  buildApplication,
  buildRouteMap,
  ExitCode,
  formatMessageForArgumentScannerError,
  run,
  text_en,
  type RouteMap,
} from "@stricli/core";
import { CutterError, toErrorJson, toErrorLine, type Facts } from "../core/errors.ts";
import { codes } from "../core/codes/index.ts";
import { approvalDraftCommand } from "./approval-draft.ts";
import { approvalUploadCommand } from "./approval-upload.ts";
import { approvalVerifyCommand } from "./approval-verify.ts";
import { auditVerifyCommand } from "./audit-verify.ts";
import { configCheckCommand } from "./config-check.ts";
import type { CutterContext, Services } from "./context.ts";
import { contractCaptureCommand, contractCheckCommand } from "./contract.ts";
import { grantsCommand } from "./grants.ts";
import { killSwitchStatusCommand } from "./kill-switch-status.ts";
import { orchestrateExplainCommand } from "./orchestrate-explain.ts";
import { orchestrateReportCommand } from "./orchestrate-report.ts";
import { orchestrateRunCommand } from "./orchestrate-run.ts";
import { orchestrateStatusCommand } from "./orchestrate-status.ts";
import { revertCommand } from "./revert.ts";
import { orchestrateVoidCommand } from "./orchestrate-void.ts";
import { selfVerifyCommand } from "./self-verify.ts";
import { connectionsCommand, surveyCommand } from "./survey.ts";
import { targetProposeCommand } from "./target-propose.ts";

export interface Streams {
  readonly stdout: { write(text: string): void };
  readonly stderr: { write(text: string): void };
}

const root: RouteMap<CutterContext> = buildRouteMap({
  docs: { brief: "Cuts one Markdown document into addressable information units; dry run by default" },
  routes: {
    orchestrate: buildRouteMap({
      docs: { brief: "Runs: begin, look at, explain, report" },
      routes: {
        run: orchestrateRunCommand,
        status: orchestrateStatusCommand,
        explain: orchestrateExplainCommand,
        void: orchestrateVoidCommand,
        report: orchestrateReportCommand,
      },
    }),
    revert: revertCommand,
    approval: buildRouteMap({
      docs: { brief: "Approval documents" },
      routes: { draft: approvalDraftCommand, verify: approvalVerifyCommand, upload: approvalUploadCommand },
    }),
    "kill-switch": buildRouteMap({ docs: { brief: "The kill switch" }, routes: { status: killSwitchStatusCommand } }),
    contract: buildRouteMap({
      docs: { brief: "The database against sql/contract" },
      routes: { check: contractCheckCommand, capture: contractCaptureCommand },
    }),
    grants: grantsCommand,
    connections: connectionsCommand,
    survey: surveyCommand,
    target: buildRouteMap({ docs: { brief: "The document of a first cut" }, routes: { propose: targetProposeCommand } }),
    "self-verify": selfVerifyCommand,
    audit: buildRouteMap({ docs: { brief: "Audit of a run or a bundle" }, routes: { verify: auditVerifyCommand } }),
    config: buildRouteMap({ docs: { brief: "The configuration" }, routes: { check: configCheckCommand } }),
  },
});

/** Every command as its words are typed: `orchestrate run`. */
export function listCommands(map = root, words: readonly string[] = []): readonly string[] {
  return map.getAllEntries().flatMap(({ name, target }) => {
    const path = [...words, name.original];
    return "getAllEntries" in target ? listCommands(target, path) : [path.join(" ")];
  });
}

/** Runs one command line; gives one of the exit codes of decision 27. Never throws. */
export async function runCli(typed: readonly string[], streams: Streams, services: Services): Promise<number> {
  const inputs = toInputs(typed);
  const verbose = inputs.includes("--verbose");
  const told = { printed: false };
  /** Beside the line on stderr; what a command has printed is not followed by a second object. */
  const tell = (error: unknown): void => {
    if (inputs.includes("--json") && !told.printed) streams.stdout.write(`${JSON.stringify(toErrorJson(error))}\n`);
  };
  const refuse = (facts: Facts): string => {
    const error = withHelp(new CutterError("USAGE_INVALID", facts), inputs);
    tell(error);
    return toErrorText(error, verbose);
  };
  const application = buildApplication(root, {
    name: "cutter",
    versionInfo: { getCurrentVersion: async () => (await services.readRelease()).version },
    scanner: { caseStyle: "original", allowArgumentEscapeSequence: true },
    documentation: { disableAnsiColor: true },
    localization: {
      text: {
        ...text_en,
        exceptionWhileRunningCommand: (exception) => toErrorText(withHelp(exception, inputs), verbose),
        commandErrorResult: (error) => toErrorText(withHelp(error, inputs), verbose),
        noCommandRegisteredForInput: ({ input, corrections }) =>
          refuse({ unknown_command: input, ...(corrections.length === 0 ? {} : { did_you_mean: corrections.map(unquoted) }) }),
        exceptionWhileParsingArguments: (exception) =>
          refuse({
            problem: exception instanceof ArgumentScannerError ? formatMessageForArgumentScannerError(exception, {}) : "cannot be parsed",
          }),
      },
    },
    determineExitCode: (exception) => {
      tell(withHelp(exception, inputs));
      return exception instanceof CutterError ? exception.exitCode : codes.INTERNAL_BUG.exit;
    },
  });
  const stdout = {
    write: (text: string) => {
      told.printed = true;
      streams.stdout.write(text);
    },
  };
  const context: CutterContext & { process: { exitCode?: number | string | null } } = {
    process: { stdout, stderr: streams.stderr },
    services,
  };
  await run(application, inputs, context);
  return toExitCode(context.process.exitCode);
}

/** `cutter help …` and `cutter version`, as they are asked for elsewhere. Pure. */
function toInputs(typed: readonly string[]): readonly string[] {
  if (typed[0] === "help") return [...typed.slice(1), "--help"];
  return typed.length === 1 && typed[0] === "version" ? ["--version"] : typed;
}

/** A usage error names the command whose --help says how it is typed: the longest one, or group of them, that was typed. Pure. */
function withHelp(error: unknown, inputs: readonly string[]): unknown {
  if (!(error instanceof CutterError) || error.code !== "USAGE_INVALID" || error.facts["help"] !== undefined) return error;
  const groups = listCommands().map((command) => command.split(" "));
  const known = inputs.findLastIndex((_, index) =>
    groups.some((words) => inputs.slice(0, index + 1).every((word, at) => word === words[at])),
  );
  const help = ["cutter", ...inputs.slice(0, known + 1), "--help"].join(" ");
  return new CutterError("USAGE_INVALID", { ...error.facts, help }, { cause: error });
}

/** The corrections come in quotes; the line quotes where it must. Pure. */
function unquoted(word: string): string {
  return word.replace(/^["'`](.*)["'`]$/, "$1");
}

/** stricli's own codes are negative: what it could not understand is usage, everything else of its own is a bug. Pure. */
function toExitCode(exitCode: number | string | null | undefined): number {
  if (exitCode === ExitCode.UnknownCommand || exitCode === ExitCode.InvalidArgument) return codes.USAGE_INVALID.exit;
  return typeof exitCode === "number" && exitCode >= 0 ? exitCode : codes.INTERNAL_BUG.exit;
}

/** `CODE summary name=value … remedy`; the stack, and those of its causes, only when asked for. */
export function toErrorText(exception: unknown, verbose: boolean): string {
  const line =
    exception instanceof CutterError
      ? exception.message
      : toErrorLine("INTERNAL_BUG", { error: exception instanceof Error ? exception.name : typeof exception });
  return verbose ? [line, ...toStacks(exception)].join("\n") : line;
}

const causesMax = 10;

function toStacks(exception: unknown): readonly string[] {
  const stacks: string[] = [];
  for (let cause: unknown = exception; cause instanceof Error && stacks.length < causesMax; cause = cause.cause)
    stacks.push(cause.stack ?? cause.message);
  return stacks;
}
