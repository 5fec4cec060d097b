// Process edge of `npm run sandbox -- …`: argv in, lines and exit code out.
import { run } from "@stricli/core";
import { thisCheckout } from "./base/paths.ts";
import { sandboxApplication, type SandboxContext } from "./commands/cli.ts";

let commandExitCode: number | null = null;

const context: SandboxContext = {
  process,
  checkout: thisCheckout,
  say: (line) => console.log(line),
  setExitCode: (code) => {
    commandExitCode = code;
  },
};

await run(sandboxApplication, process.argv.slice(2), context);
process.exitCode = commandExitCode ?? toOurExitCode(Number(process.exitCode ?? 0));

/** stricli's own codes are negative: usage errors become 2, what it could not load or run 70. */
function toOurExitCode(code: number): number {
  const byte = code & 0xff;
  if (byte === 251 || byte === 252) return 2; // unknown command, invalid argument
  return byte > 128 || byte === 1 ? 70 : byte;
}
