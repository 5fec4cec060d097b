// Stock gpg as a child process in a throw-away home: the keyring of nobody, no options of anybody, nothing left afterwards.
import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { CutterError } from "../../core/errors.ts";
import { refuseDisk, toDiskComplaint } from "../../core/host/disk-error.ts";
import { runProcess, type ProcessResult } from "../process/run-process.ts";

const keepBytesMax = 256 * 1024;
const killDeadlineMs = 10_000;

interface GpgCall {
  readonly args: readonly string[];
  readonly stdin: Readable | Buffer | null;
  readonly stdout: Writable | "keep";
  readonly deadlineMs: number;
  /** Private keys are the agent's: only a call that needs one may start it. */
  readonly agent: boolean;
}

export interface Gpg {
  readonly home: string;
  /**
   * @throws PROCESS_*, DISK_FULL where gpg's own home takes nothing, what the signal says, or the error of the stream that feeds or takes
   * the bytes
   */
  run(call: GpgCall): Promise<ProcessResult>;
}

/**
 * Gives `work` a fresh 0700 home below `parent`; agent and home are gone when it returns, whatever happened. `parent` short: the agent's
 * socket must stay under 108 bytes.
 */
export async function withGpgHome<Result>(
  parent: string,
  signal: AbortSignal | undefined,
  work: (gpg: Gpg) => Promise<Result>,
): Promise<Result> {
  const home = await mkdtemp(join(parent, "g")).catch(refuseDisk(parent));
  const env = { PATH: "/usr/bin:/bin", LANG: "C.UTF-8", GNUPGHOME: home };
  let agentStarted = false;
  const run = async ({ args, agent, ...io }: GpgCall) => {
    agentStarted ||= agent;
    const result = await runProcess({
      ...io,
      file: "gpg",
      args: ["--homedir", home, "--no-options", "--batch", "--no-tty", ...(agent ? [] : ["--no-autostart"]), ...args],
      env,
      keepBytesMax,
      ...(signal === undefined ? {} : { signal }),
    });
    const complaint = result.code === 0 ? null : toDiskComplaint(result.stderr);
    if (complaint !== null) throw new CutterError("DISK_FULL", { path: home, ...complaint });
    return result;
  };
  try {
    return await work({ home, run });
  } finally {
    // an agent that cannot be told ends by itself when its home is gone
    if (agentStarted)
      await runProcess({
        file: "gpgconf",
        args: ["--homedir", home, "--kill", "all"],
        env,
        stdin: null,
        stdout: "keep",
        deadlineMs: killDeadlineMs,
        keepBytesMax,
      }).catch(() => undefined);
    await rm(home, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** The key ids the first packets name. gpg complains about the cut stream behind them: its exit code says nothing here. */
export async function listRecipients(gpg: Gpg, head: Buffer): Promise<readonly string[]> {
  const { stdout } = await gpg.run({
    args: ["--list-only", "--list-packets"],
    stdin: head,
    stdout: "keep",
    deadlineMs: 30_000,
    agent: false,
  });
  return [...stdout.toString("utf8").matchAll(/^:pubkey enc packet: version \d+, algo \d+, keyid ([0-9A-F]{16})$/gm)].map(
    (match) => match[1] ?? "",
  );
}

/** Pure. One packet for each of `recipients` (the ids any one of which is right for it), and no other. @throws ENCRYPTION_FAILED */
export function requireRecipients(found: readonly string[], recipients: readonly (readonly string[])[]): void {
  const whole = found.length === recipients.length && recipients.every((ids) => found.filter((id) => ids.includes(id)).length === 1);
  if (!whole)
    throw new CutterError("ENCRYPTION_FAILED", { reason: "wrong_recipient", expected: recipients.map((ids) => ids.join("|")), found });
}
