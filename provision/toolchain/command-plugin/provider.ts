// The rules of command:remote:Command: what a change does, which command runs, what is recorded.
import { randomBytes } from "node:crypto";
import type { Provider } from "@pulumi/pulumi/provider/provider.js";
import type { EngineLog } from "./engine-log.ts";
import { inputFailures, inputNames, toInputs, type CommandInputs } from "./inputs.ts";
import { runOverSsh } from "./ssh.ts";
import { asSecret, holdsSecret, isSame, unwrapped, type Properties } from "./wire.ts";

const commandType = "command:remote:Command";
/** A secret in one of these may come out of the command again. */
const inputsThatReachOutput = ["create", "update", "stdin", "environment"];

interface PreviousOutput {
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * `create` runs on creation, `update` (or else `create`) when any input changed, `delete` on removal; changed `triggers` replace.
 * There is no read: a refresh keeps the recorded state, as with the official provider. Two things are stricter than there:
 * `connection.hostKey` is demanded, and output of commands that were given a secret is recorded as secret.
 */
export function remoteCommandProvider(version: string, log: EngineLog): Provider {
  const abort = new AbortController();
  const run = async (urn: string, command: string, inputs: CommandInputs, previous: PreviousOutput): Promise<PreviousOutput> =>
    runOverSsh({ command, inputs, previous, signal: abort.signal, onLine: (line) => log.info(urn, line) });

  return {
    version,
    schema: JSON.stringify({ name: "command", version, resources: { [commandType]: {} } }),
    async check(urn, _olds: Properties, news: Properties) {
      refuseOtherTypes(urn);
      return { inputs: { addPreviousOutputInEnv: true, ...news }, failures: inputFailures(news) };
    },
    async diff(_id, _urn, olds: Properties, news: Properties) {
      const changed = inputNames.filter((name) => !isSame(olds[name], news[name]));
      return { changes: changed.length > 0, replaces: changed.filter((name) => name === "triggers") };
    },
    async create(urn, news: Properties) {
      refuseOtherTypes(urn);
      const inputs = toInputs(news);
      const nothing = { stdout: "", stderr: "" };
      const output = inputs.create === undefined ? nothing : await run(urn, inputs.create, inputs, nothing);
      return { id: `${urn.split("::").at(-1) ?? ""}${randomBytes(4).toString("hex")}`, outs: toState(news, output) };
    },
    async update(_id, urn, olds: Properties, news: Properties) {
      const inputs = toInputs(news);
      const previous = toPreviousOutput(olds);
      const command = inputs.update ?? inputs.create;
      return { outs: toState(news, command === undefined ? previous : await run(urn, command, inputs, previous)) };
    },
    async delete(_id, urn, state: Properties) {
      const inputs = toInputs(state);
      if (inputs.delete !== undefined) await run(urn, inputs.delete, inputs, toPreviousOutput(state));
    },
    async cancel() {
      abort.abort();
    },
  };
}

function refuseOtherTypes(urn: string): void {
  const type = urn.split("::")[2]?.split("$").at(-1);
  if (type !== commandType) throw new Error(`this stand-in serves ${commandType} only, not ${type}: install the official command provider`);
}

function toState(inputs: Properties, output: PreviousOutput): Properties {
  const secret = inputsThatReachOutput.some((name) => holdsSecret(inputs[name]));
  return { ...inputs, stdout: secret ? asSecret(output.stdout) : output.stdout, stderr: secret ? asSecret(output.stderr) : output.stderr };
}

function toPreviousOutput(state: Properties): PreviousOutput {
  const text = (value: unknown): string => (typeof value === "string" ? value : "");
  return { stdout: text(unwrapped(state.stdout)), stderr: text(unwrapped(state.stderr)) };
}
