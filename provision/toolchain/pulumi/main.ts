// `npm run pulumi -- …` and the plain `pulumi` of .env.pulumi: this process becomes the engine, so signals and exit code are the engine's
// own.
import { ok } from "node:assert/strict";
import { execve, exit } from "node:process";
import { CutterError } from "../../../orchestrator/core/errors.ts";
import { engineEnvironment, engineFile } from "./run.ts";

const args = process.argv.slice(2);
try {
  const engine = engineFile();
  ok(execve, "this runs on the Node.js of node_modules: call it by npm run");
  execve(engine, [engine, ...args], engineEnvironment(args, { workingDirectory: process.cwd() }));
} catch (error) {
  if (!(error instanceof CutterError)) throw error;
  console.error(error.message);
  exit(error.exitCode);
}
