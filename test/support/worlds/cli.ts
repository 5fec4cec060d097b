// The command line on a world: real commands, configuration and files; what they print and their exit code.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import { nodeFiles } from "../../../orchestrator/adapters/node-files/node-files.ts";
import { runCli } from "../../../orchestrator/cli/app.ts";
import type { Services } from "../../../orchestrator/cli/context.ts";
import { executionEnabled } from "../../../orchestrator/kill-switch.ts";
import type { World } from "./world.ts";

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Cli {
  readonly folder: string;
  readonly services: Services;
  readonly opened: string[]; // what commands opened: database, engine
  run(...inputs: readonly string[]): Promise<Ran>;
  writeRequest(name: string, request: object): Promise<string>;
}

export async function makeCli(world: World, change: Partial<Services> = {}): Promise<Cli> {
  const opened: string[] = [];
  const requests = join(world.folder, "requests");
  await mkdir(requests);
  const config = join(world.folder, "orchestrator.yaml");
  await writeFile(config, stringify(world.config));
  const paths = toPaths(world.folder, config);
  const services: Services = {
    paths,
    files: nodeFiles,
    clock: world.clock,
    signal: new AbortController().signal,
    readRelease: () => Promise.resolve({ root: world.folder, version: "0.6.0", sha256: "0".repeat(64), manifest: null }),
    readHostIdentity: () => Promise.resolve(null),
    readUnit: () => Promise.resolve({ state: "unknown" }),
    isInRunUnit: () => Promise.resolve(false),
    isInRevertUnit: () => Promise.resolve(false),
    executionEnabled: (runId) => executionEnabled(runId, { files: nodeFiles, paths, verifyToken: () => Promise.resolve(false) }),
    runAsCutter: () => Promise.resolve(null),
    runAsCutterWith: () => Promise.resolve(null),
    readInput: () => Promise.resolve(new Uint8Array()),
    readHostFactsText: () => Promise.reject(new Error("not in this test")),
    readConnectionsText: () => Promise.resolve(null),
    tryConnections: () => Promise.reject(new Error("not in this test")),
    openDatabase: () => {
      opened.push("database");
      return Promise.resolve(world.database);
    },
    openEngine: () => {
      opened.push("engine");
      return Promise.resolve({ ports: world.ports, close: () => Promise.resolve() });
    },
    openRevert: () => {
      opened.push("revert");
      return Promise.reject(new Error("not in this test"));
    },
    toReporter: () => world.ports.reporter,
    ...change,
  };
  return {
    folder: world.folder,
    services,
    opened,
    run: async (...inputs) => {
      let stdout = "";
      let stderr = "";
      const code = await runCli(
        inputs,
        { stdout: { write: (text) => void (stdout += text) }, stderr: { write: (text) => void (stderr += text) } },
        services,
      );
      return { code, stdout, stderr };
    },
    writeRequest: async (name, request) => {
      const path = join(requests, name);
      await writeFile(path, stringify(request));
      return path;
    },
  };
}

/** The host layout, below a folder of the test. */
function toPaths(folder: string, config: string): Services["paths"] {
  return {
    config,
    requests: join(folder, "requests"),
    results: join(folder, "results"),
    latch: join(folder, "switch/DISABLED"),
    armed: join(folder, "switch/armed"),
    live: join(folder, "switch/live"),
    keys: join(folder, "keys"),
    ownership: join(folder, "ownership.jsonl"),
    restoreProofs: join(folder, "restore-proofs"),
    rollbackRunbook: join(folder, "rollback_runbook.sql"),
    revertStaging: join(folder, "revert"),
    startResult: join(folder, "end.json"),
  };
}
