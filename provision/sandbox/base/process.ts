// The one way the sandbox starts programs: an argv, a small explicit environment, a deadline, an output cap. Secrets go in on stdin only.
import { spawn } from "node:child_process";
import { CutterError } from "../../../orchestrator/core/errors.ts";
import { userHome } from "./paths.ts";

export interface CommandOptions {
  readonly input?: string | Uint8Array;
  readonly timeoutMs?: number; // default 60 s
  readonly environment?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

export interface CommandOutcome {
  readonly code: number | null; // null: ended by a signal, or by our deadline
  readonly stdout: string;
  readonly stderr: string;
}

const outputCapBytes = 16 * 1024 * 1024;

/**
 * Runs `work` with the ordinary umask: the replica's services read, as users of their own, what is made here. What is private says so by
 * its own mode.
 */
export async function withOrdinaryUmask<Result>(work: () => Promise<Result>): Promise<Result> {
  const before = process.umask(0o022);
  try {
    return await work();
  } finally {
    process.umask(before);
  }
}

/** What every child gets unless told otherwise: no variable of the caller's leaks in. */
export const childEnvironment: Readonly<Record<string, string>> = {
  PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  LANG: "C.UTF-8",
  HOME: userHome,
};

/**
 * Runs argv to its end and returns how it ended; never throws for a non-zero exit.
 * @throws SANDBOX_MACHINE_UNFIT when there is no such program.
 */
export function runCommand(argv: readonly string[], options: CommandOptions = {}): Promise<CommandOutcome> {
  const [program = "", ...args] = argv;
  return new Promise((done, fail) => {
    const child = spawn(program, args, {
      env: { ...childEnvironment, ...options.environment },
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      stdio: ["pipe", "pipe", "pipe"],
    });
    const deadline = setTimeout(() => child.kill("SIGKILL"), options.timeoutMs ?? 60_000);
    const stdout = collect(child.stdout);
    const stderr = collect(child.stderr);
    child.on("error", (cause) => {
      clearTimeout(deadline);
      fail(new CutterError("SANDBOX_MACHINE_UNFIT", { reason: "program_missing", program }, { cause }));
    });
    child.on("close", (code) => {
      clearTimeout(deadline);
      done({ code, stdout: stdout(), stderr: stderr() });
    });
    child.stdin.on("error", () => undefined); // a child that does not read its input is judged by its exit code
    child.stdin.end(options.input ?? "");
  });
}

/** Like `runCommand`, but a non-zero end is an error. Returns stdout. @throws SANDBOX_STEP_FAILED with the last lines of stderr. */
export async function mustRun(what: string, argv: readonly string[], options: CommandOptions = {}): Promise<string> {
  const outcome = await runCommand(argv, options);
  if (outcome.code === 0) return outcome.stdout;
  const said = `${outcome.stdout}\n${outcome.stderr}`.trim().split("\n").slice(-8).join(" | ");
  throw new CutterError("SANDBOX_STEP_FAILED", { step: what, exit_code: outcome.code, said: said.slice(0, 1500) });
}

function collect(stream: NodeJS.ReadableStream): () => string {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  stream.on("data", (chunk: Buffer) => {
    sizeBytes += chunk.length;
    if (sizeBytes <= outputCapBytes) chunks.push(chunk);
  });
  return () => Buffer.concat(chunks).toString("utf8");
}
