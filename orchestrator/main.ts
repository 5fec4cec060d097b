// The process edge of `cutter`: arguments, signals, environment, exit code. Everything else is a value passed on.
import { runCli, toErrorText } from "./cli/app.ts";
import { composeServices } from "./compose.ts";
import { refuseDangerousEnvironment } from "./config/environment.ts";
import { CutterError } from "./core/errors.ts";

process.exitCode = await main(process.argv.slice(2));

async function main(argv: readonly string[]): Promise<number> {
  const stopped = new AbortController();
  const stop = (): void => stopped.abort();
  process.once("SIGINT", stop).once("SIGTERM", stop).once("SIGHUP", stop);
  // A reader that went away (cutter … | head) is no failure of ours.
  process.stdout.on("error", () => undefined);
  try {
    refuseDangerousEnvironment(process.env);
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
      stdout,
      stderr,
    });
    return await runCli(argv, { stdout: { write: stdout }, stderr: { write: stderr } }, services);
  } catch (error) {
    process.stderr.write(`${toErrorText(error, argv.includes("--verbose"))}\n`);
    return error instanceof CutterError ? error.exitCode : 70;
  }
}
