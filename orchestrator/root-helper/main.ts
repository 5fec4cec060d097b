// cutter-root: the small things that need root, each with fixed arguments. systemd calls it, and `cutter` when root starts it. Never a
// shell, never a path from outside.
import { Socket } from "node:net";
import { join } from "node:path";
import { CutterError, toErrorLine } from "../core/errors.ts";
import { toNamedDiskError } from "../core/host/disk-error.ts";
import { toRefusalOutput } from "../core/host/refusal-output.ts";
import { toGaps } from "../core/gaps/gaps.ts";
import { parseHostFacts } from "../core/host/facts.ts";
import { noRulings } from "../core/gaps/archived-rulings.ts";
import { arm } from "./arming/arm-run.ts";
import { armRevert } from "./revert/arm-revert.ts";
import { finishRun, cleanUpKilledRun } from "./run/finish-run.ts";
import { readBoot, readHost, requireRoot } from "./files/host.ts";
import { printHostFacts, readHostFactsText } from "./survey/host-facts.ts";
import { archiveRestoreProof } from "./arming/archive-restore-proof.ts";
import { prepareRun } from "./run/prepare-run.ts";
import { finishRevert, prepareRevert } from "./revert/steps.ts";
import { runAsCutter } from "./run-as-cutter.ts";
import { serveDump } from "./dump/serve.ts";

const here = import.meta.dirname;
const verbs = [
  "prepare-run ID",
  "release-run ID",
  "finish-run ID",
  "arm ID",
  "arm-revert ID",
  "prepare-revert ID",
  "finish-revert ID",
  "keep-restore-proof ID",
  "stream-dump",
  "run-as-cutter -- ARGS",
  "host-facts",
];

process.exitCode = await main(process.argv.slice(2)).catch((thrown: unknown) => {
  const error = toNamedDiskError(thrown);
  if (error instanceof CutterError && process.argv[2] === "host-facts") {
    process.stdout.write(toRefusalOutput(error)); // `cutter survey` reads it there and tells it
    return error.exitCode;
  }
  if (error instanceof CutterError) {
    console.error(`[ERR] ${error.message}`);
    return error.exitCode;
  }
  console.error(`[ERR] ${toErrorLine("INTERNAL_BUG", { problem: error instanceof Error ? error.message : "unknown" })}`);
  return 70;
});

async function main(argv: readonly string[]): Promise<number> {
  requireRoot(process.getuid?.(), argv[0] ?? "");
  const [verb, first, ...rest] = argv;
  const alone = first === undefined;
  if (verb === "prepare-run" && !alone && rest.length === 0) return runAndSucceed(() => prepareRun(readHost("", 0), first, new Date()));
  if (verb === "release-run" && !alone && rest.length === 0) return runAndSucceed(() => cleanUpKilledRun(readHost("", 0), first));
  if (verb === "finish-run" && !alone && rest.length === 0)
    return runAndSucceed(() => finishRun(readHost("", 0), first, toServiceExit(process.env)));
  if (verb === "arm" && !alone && rest.length === 0) return armAndPrint(first);
  if (verb === "arm-revert" && !alone && rest.length === 0) return printJson(await armRevert(readHost("", 0), first, new Date()));
  if (verb === "prepare-revert" && !alone && rest.length === 0) return runAndSucceed(() => prepareRevert(readHost("", 0), first));
  if (verb === "finish-revert" && !alone && rest.length === 0)
    return runAndSucceed(() => finishRevert(readHost("", 0), first, toServiceExit(process.env), new Date()));
  if (verb === "keep-restore-proof" && !alone && rest.length === 0)
    return printJson(await archiveRestoreProof(readHost("", 0), first, new Date()));
  if (verb === "stream-dump" && alone) return serveDump(readHost("", 0), new Socket({ fd: 0, readable: true, writable: true }));
  if (verb === "run-as-cutter" && first === "--")
    return runAsCutter(readHost("", 0), join(here, "cutter"), rest, { ...toPassedEnvironment(process.env), CUTTER_BOOT_ID: readBoot() });
  if (verb === "host-facts" && alone) return printHostFacts(readHost("", 0), here);
  throw new CutterError("USAGE_INVALID", { reason: "verb_unknown", verb: verb ?? "", arguments: argv.length, verbs });
}

/** One line of JSON: runbooks/enable shows it. */
async function armAndPrint(runId: string): Promise<number> {
  const host = readHost("", 0);
  const report = await arm(
    { host, now: () => new Date(), readGaps: async () => toGaps(parseHostFacts(await readHostFactsText(host, here)), noRulings) },
    runId,
  );
  process.stdout.write(`${JSON.stringify(report)}\n`);
  return 0;
}

function runAndSucceed(work: () => void): number {
  work();
  return 0;
}

/** One JSON line: what was done, for the script that asked. */
function printJson(report: object): number {
  process.stdout.write(`${JSON.stringify(report)}\n`);
  return 0;
}

/** What systemd tells ExecStopPost. By hand there is nothing to tell, and that is said, not guessed. */
function toServiceExit(environment: NodeJS.ProcessEnv): {
  readonly exitKind: string;
  readonly exitRaw: string;
  readonly serviceResult: string;
} {
  return {
    exitKind: environment["EXIT_CODE"] ?? "unknown",
    exitRaw: environment["EXIT_STATUS"] ?? "unknown",
    serviceResult: environment["SERVICE_RESULT"] ?? "unknown",
  };
}

/** The terminal's type and language and nothing else: the rest of root's environment stays with root. */
function toPassedEnvironment(environment: NodeJS.ProcessEnv): Readonly<Record<string, string>> {
  const names = ["TERM", "LANG", "NO_COLOR"] as const;
  return Object.fromEntries(names.flatMap((name) => (environment[name] === undefined ? [] : [[name, environment[name]]])));
}
