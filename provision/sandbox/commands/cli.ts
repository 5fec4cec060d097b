// The commands of `npm run sandbox -- …` as values: flags, help, and what each one calls.
import { type Application, buildApplication, buildCommand, buildRouteMap, type CommandContext, text_en } from "@stricli/core";
import { CutterError } from "../../../orchestrator/core/errors.ts";
import { addDocument } from "./document.ts";
import { removeSandbox } from "./down.ts";
import { suites, type Suite } from "../image/recipe.ts";
import { signFile } from "../host/keys.ts";
import { toSandboxPaths } from "../base/paths.ts";
import { toSeconds } from "../base/progress.ts";
import { openSandboxShell } from "./ssh.ts";
import { readSandboxState } from "../state/state.ts";
import { showStatus } from "./status.ts";
import { startSandbox } from "./up.ts";

/** What a command needs from the process: where to print, which checkout, and how to end with another exit code. */
export interface SandboxContext extends CommandContext {
  readonly checkout: string;
  readonly say: (line: string) => void;
  readonly setExitCode: (code: number) => void;
}

const up = buildCommand<{ suite?: Suite }, [], SandboxContext>({
  docs: { brief: "Boot this checkout's replica of the production host (made on the first call)" },
  parameters: {
    flags: { suite: { kind: "enum", values: suites, optional: true, brief: "Debian suite of the host; trixie unless it exists already" } },
  },
  async func({ suite }) {
    const startedMs = performance.now();
    const state = await startSandbox(this.checkout, suite ?? null, this.say);
    this.say(
      `[OK]   sandbox ${state.name} is up at ${state.address} in ${toSeconds(performance.now() - startedMs)}; look around: npm ` +
        "run sandbox -- ssh",
    );
  },
});

const down = buildCommand<{}, [], SandboxContext>({
  docs: { brief: "End it and remove everything but the image cache" },
  parameters: {},
  async func() {
    await removeSandbox(this.checkout, this.say);
  },
});

const status = buildCommand<{}, [], SandboxContext>({
  docs: { brief: "Show what runs, measured now; exit 10 when something does not" },
  parameters: {},
  async func() {
    if (!(await showStatus(this.checkout, this.say))) this.setExitCode(10);
  },
});

const ssh = buildCommand<{}, string[], SandboxContext>({
  docs: { brief: "A shell on the host, or COMMAND after --; exit code and output are COMMAND's", customUsage: ["[-- COMMAND...]"] },
  parameters: {
    positional: { kind: "array", parameter: { brief: "Command line for the host's shell", parse: String, placeholder: "COMMAND" } },
  },
  async func(_flags, ...command) {
    this.setExitCode(await openSandboxShell(this.checkout, command));
  },
});

const documentAdd = buildCommand<{ id: string; code?: string }, [string], SandboxContext>({
  docs: { brief: "Upload FILE to the knowledge base and register it as a source document" },
  parameters: {
    flags: {
      id: { kind: "parsed", parse: String, brief: "Knowledge base id, for example knowledge/other/handbook.md", placeholder: "KB_ID" },
      code: {
        kind: "parsed",
        parse: String,
        optional: true,
        brief: "Document code; the id's last part without .md unless given",
        placeholder: "CODE",
      },
    },
    positional: { kind: "tuple", parameters: [{ brief: "Markdown file, UTF-8", parse: String, placeholder: "FILE" }] },
  },
  async func({ id, code }, file) {
    const added = await addDocument(this.checkout, file, id, code ?? null);
    this.say(`[OK]   ${added.id} revision ${added.revision}, ${added.bytes} bytes, sha256 ${added.sha256}, document code ${added.docCode}`);
  },
});

const sign = buildCommand<{ as: "sovereign" | "architect" }, [string], SandboxContext>({
  docs: { brief: "Sign FILE with one of the sandbox's test keys: FILE.<role>.asc, detached, armored" },
  parameters: {
    flags: { as: { kind: "enum", values: ["sovereign", "architect"], brief: "Whose test key signs" } },
    positional: { kind: "tuple", parameters: [{ brief: "File to sign", parse: String, placeholder: "FILE" }] },
  },
  async func({ as: role }, file) {
    readSandboxState(this.checkout);
    this.say(`[OK]   ${await signFile(file, role, toSandboxPaths(this.checkout).keysDirectory)}`);
  },
});

const document = buildRouteMap({ routes: { add: documentAdd }, docs: { brief: "Documents of the sandbox's knowledge base" } });

export const sandboxApplication: Application<SandboxContext> = buildApplication(
  buildRouteMap({
    routes: { up, status, down, ssh, document, sign },
    docs: { brief: "A replica of the production host on this machine, one per checkout" },
  }),
  {
    name: "npm run sandbox --",
    scanner: { allowArgumentEscapeSequence: true, caseStyle: "allow-kebab-for-camel" },
    documentation: { disableAnsiColor: true },
    localization: { loadText: () => ({ ...text_en, exceptionWhileRunningCommand: (error) => toErrorText(error) }) },
    determineExitCode: toExitCode,
  },
);

/** A refusal by code has its own exit code; everything else that is thrown is our bug. */
function toExitCode(error: unknown): number {
  return error instanceof CutterError ? error.exitCode : 70;
}

function toErrorText(error: unknown): string {
  if (error instanceof CutterError) return `[ERR]  ${error.message}`;
  return `[ERR]  this is a bug: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
}
