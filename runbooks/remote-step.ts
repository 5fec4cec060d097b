// One step of a runbook on the host that must succeed; a refusal of the host's own commands is told as what it is, by its code.
import { z } from "zod";
import { codes, isCode } from "../orchestrator/core/codes/index.ts";
import { tryParseJson } from "../orchestrator/core/encoding/try-parse-json.ts";
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
  throw toToldRefusal(stdout) ?? toHostRefusal(host.address.name, step, code, stderr);
}

const errorSchema = z.looseObject({
  schema: z.literal("cutter.error/1"),
  code: z.string(),
  facts: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null(), z.array(z.string())])),
});

/** The refusal of a command with --json, with its facts; null where stdout is none, or its code is not known here. Pure. */
function toToldRefusal(stdout: string): CutterError | null {
  const told = errorSchema.safeParse(tryParseJson(stdout));
  return told.success && isCode(told.data.code) ? new CutterError(told.data.code, told.data.facts) : null;
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
