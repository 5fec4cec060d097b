// One step of a runbook on the host that must succeed; a refusal of the host's own commands is told as what it is, by its code.
import { codes, type Code } from "../orchestrator/core/codes/index.ts";
import { CutterError } from "../orchestrator/core/errors.ts";
import type { RemoteHost } from "../provision/host/connection.ts";

const defaultDeadlineMs = 30_000;

/** stdout of the step. @throws the host command's own code, HOST_COMMAND_FAILED, HOST_OUTCOME_UNKNOWN when the line broke */
export async function mustRunOnHost(
  host: RemoteHost,
  step: string,
  script: string,
  args: readonly string[],
  options: { readonly deadlineMs?: number; readonly stdin?: Uint8Array } = {},
): Promise<string> {
  const { deadlineMs = defaultDeadlineMs, stdin } = options;
  const { code, stdout, stderr, problem } = await host.run(script, args, {
    timeoutMs: deadlineMs,
    ...(stdin === undefined ? {} : { stdin: Buffer.from(stdin) }),
  });
  if (code === 0) return stdout;
  if (code === null) throw new CutterError("HOST_OUTCOME_UNKNOWN", { host: host.address.name, step, problem: problem ?? "no exit code" });
  throw toHostRefusal(host.address.name, step, code, stderr);
}

/** The last line that begins with a code of the registry is the command's own refusal: `CODE summary facts → remedy`. Pure. */
export function toHostRefusal(host: string, step: string, exitCode: number, stderr: string): CutterError {
  for (const line of stderr.split("\n").toReversed()) {
    const [, code, rest] = /^(?:\[ERR\] +)?([A-Za-z0-9_]+) (.*)$/.exec(line) ?? [];
    if (code === undefined || rest === undefined || !isCode(code)) continue;
    const said = rest.replace(codes[code].summary, "").split(" → ")[0]?.trim() ?? "";
    return new CutterError(code, { host, step, ...(said === "" ? {} : { said: said.slice(0, 600) }) });
  }
  return new CutterError("HOST_COMMAND_FAILED", { host, step, exit_code: exitCode, stderr: stderr.trim().slice(0, 500) });
}

function isCode(text: string): text is Code {
  return Object.hasOwn(codes, text);
}
