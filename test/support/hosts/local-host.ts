// The host of the provider's scripts, played by this machine's own sh: for tests of what the scripts do to real files.
import { spawn } from "node:child_process";
import { Readable } from "node:stream";
import type { CommandOptions, CommandOutcome, RemoteHost } from "../../../provision/host/connection.ts";
import { toShellWord } from "../../../provision/host/shell.ts";
import type { JobSpec, WriteContext } from "../../../provision/provider/kind/define.ts";

export const localAddress = {
  name: "local",
  host: "127.0.0.1",
  port: 22,
  user: "root",
  hostKey: "ssh-ed25519 AAAA",
  machineIdentity: "0".repeat(64),
} as const;

export const localHost: RemoteHost = { address: localAddress, isOpen: () => true, run: runLocally, close: () => undefined };

/** Jobs run at once, under the same shell options as on a host; a failing job throws its stderr. */
export const localContext: WriteContext = {
  host: localHost,
  runJob: runLocalJob,
  openFresh: () => Promise.resolve(localHost),
  say: () => undefined,
};

export async function runLocalJob({ script, args, stdin }: JobSpec): Promise<void> {
  const text = ["set -eu; umask 077", ["set --", ...args.map(toShellWord)].join(" "), script].join("\n");
  const outcome = await runLocally(text, [], { timeoutMs: 20_000, ...(stdin === undefined ? {} : { stdin }) });
  if (outcome.code !== 0) throw new Error(`exit ${outcome.code}: ${outcome.stderr}`);
}

function runLocally(script: string, args: readonly string[], options: CommandOptions): Promise<CommandOutcome> {
  return new Promise((done, fail) => {
    const child = spawn("sh", ["-c", script, "sh", ...args], {
      env: { PATH: process.env["PATH"] ?? "", LC_ALL: "C" },
      timeout: options.timeoutMs,
    });
    const chunks = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
    child.stdout.on("data", (chunk: Buffer) => chunks.stdout.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => chunks.stderr.push(chunk));
    child.on("error", fail);
    child.on("close", (code) =>
      done({ code, stdout: Buffer.concat(chunks.stdout).toString("utf8"), stderr: Buffer.concat(chunks.stderr).toString("utf8") }),
    );
    child.stdin.on("error", () => undefined); // a script may end without reading its input
    (Buffer.isBuffer(options.stdin) || options.stdin === undefined
      ? Readable.from([options.stdin ?? Buffer.alloc(0)])
      : options.stdin
    ).pipe(child.stdin);
  });
}
