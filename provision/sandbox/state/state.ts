// .sandbox/state.json: what a running sandbox is and how to reach it. Written by `up` as its last act; read by tests, survey, Pulumi's
// launcher.
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { z } from "zod";
import { CutterError } from "../../../orchestrator/core/errors.ts";
import { toSandboxPaths } from "../base/paths.ts";
import { suites } from "../image/recipe.ts";

const path = z.string().startsWith("/");
const key = z.strictObject({ file: path, fingerprint: z.string().regex(/^[0-9A-F]{40}$/) });

const sandboxStateSchema = z.strictObject({
  schema: z.literal("cutter.sandbox/1"),
  name: z.string(),
  suite: z.enum(suites),
  address: z.ipv4(),
  outerAddress: z.ipv4(),
  port: z.literal(22),
  user: z.literal("root"),
  hostKey: z.string().regex(/^ssh-ed25519 [A-Za-z0-9+/=]+$/),
  machineIdentity: z.string().regex(/^[0-9a-f]{64}$/),
  agentSocket: path,
  agentPid: z.int().positive(),
  kb: z.strictObject({ baseUrl: z.string().startsWith("https://"), caFile: path, apiKeyFile: path }),
  keys: z.strictObject({ backup: key, sovereign: key, architect: key }),
  rootDirectory: path,
  pid: z.int().positive(), // of the supervisor
});

export type SandboxState = z.infer<typeof sandboxStateSchema>;

/** The state of this checkout's sandbox. @throws SANDBOX_NOT_UP when there is none, SANDBOX_STEP_FAILED when it is not what `up` writes. */
export function readSandboxState(checkout: string): SandboxState {
  const { stateFile } = toSandboxPaths(checkout);
  if (!existsSync(stateFile)) throw new CutterError("SANDBOX_NOT_UP", { state_file: stateFile });
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(stateFile, "utf8"));
  } catch (cause) {
    throw new CutterError("SANDBOX_STEP_FAILED", { reason: "state_invalid", state_file: stateFile, problem: "not JSON" }, { cause });
  }
  const parsed = sandboxStateSchema.safeParse(value);
  if (!parsed.success)
    throw new CutterError("SANDBOX_STEP_FAILED", {
      reason: "state_invalid",
      state_file: stateFile,
      problem: z.prettifyError(parsed.error),
    });
  return parsed.data;
}

export function writeSandboxState(checkout: string, state: SandboxState): void {
  const { stateFile } = toSandboxPaths(checkout);
  writeFileSync(`${stateFile}.tmp`, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${stateFile}.tmp`, stateFile);
}
