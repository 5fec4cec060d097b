// The process edge of `cutter`: arguments, signals, environment, exit code. Everything else is a value passed on.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { runCli, toErrorText } from "./cli/app.ts";
import { toRefusedStartResult } from "./cli/start-result.ts";
import { composeServices } from "./compose.ts";
import { refuseDangerousEnvironment } from "./config/environment.ts";
import { CutterError } from "./core/errors.ts";
import { startResultName } from "./core/host/layout.ts";

process.exitCode = await main(process.argv.slice(2));

const inputBytesMax = 1024 * 1024;

async function readInput(): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of process.stdin) {
    const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
    length += bytes.length;
    if (length > inputBytesMax) throw new CutterError("USAGE_INVALID", { problem: `stdin is longer than ${String(inputBytesMax)} bytes` });
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}

async function main(argv: readonly string[]): Promise<number> {
  const stopped = new AbortController();
  const stop = (): void => stopped.abort();
  process.once("SIGINT", stop).once("SIGTERM", stop).once("SIGHUP", stop);
  // A reader that went away (cutter … | head) is no failure of ours: the exit code stays the run's.
  process.stdout.on("error", () => undefined);
  process.stderr.on("error", () => undefined);
  try {
    if (!asksForHelp(argv)) refuseDangerousEnvironment(process.env);
    const stdout = (text: string): void => void process.stdout.write(text);
    const stderr = (text: string): void => void process.stderr.write(text);
    const services = composeServices({
      argv,
      environment: process.env,
      uid: process.getuid?.() ?? -1,
      pid: process.pid,
      moduleFolder: import.meta.dirname,
      terminal: process.stdout.isTTY === true && process.stderr.isTTY === true,
      signal: stopped.signal,
      readInput,
      stdout,
      stderr,
    });
    return await runCli(argv, { stdout: { write: stdout }, stderr: { write: stderr } }, services);
  } catch (error) {
    writeEarlyStartResult(error);
    process.stderr.write(`${toErrorText(error, argv.includes("--verbose"))}\n`);
    return error instanceof CutterError ? error.exitCode : 70;
  }
}

/**
 * Command words, then --help and nothing more: that prints and ends, whatever the environment is. With any option of its own a command may
 * do something.
 */
function asksForHelp(argv: readonly string[]): boolean {
  const words = argv.slice(0, -1);
  return ["--help", "-h"].includes(argv.at(-1) ?? "") && words.every((word) => /^[a-z][a-z-]*$/.test(word));
}

/** A start that is refused before there are any commands still tells why, in the folder systemd made for it. */
function writeEarlyStartResult(error: unknown): void {
  const folder = process.env["RUNTIME_DIRECTORY"];
  if (folder === undefined) return;
  try {
    writeFileSync(join(folder, startResultName), `${JSON.stringify(toRefusedStartResult(error))}\n`, { mode: 0o600 });
  } catch {
    // Then the result gives the exit code alone; the line on stderr says the rest.
  }
}
