// Plugins and language host end with their engine, also with one that was gone before they could look.
import { spawn, spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { until } from "../../../support/e2e.ts";
import { exitWithEngine, toEngineAddress } from "../../../../provision/toolchain/pulumi/exit-with-engine.ts";

const languageHost = resolve(import.meta.dirname, "../../../../provision/toolchain/language-host/pulumi-language-nodejs");
let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "ck-engine-"))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it("a plugin ends when nobody listens at its engine's address any more, and stays when somebody does", async () => {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const address = server.address();
  const engineAddress = `127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`;
  expect(toEngineAddress(["--logtostderr", engineAddress])).toBe(engineAddress);
  let exits = 0;
  const seen = new Promise<void>((done) => server.on("connection", () => done()));
  exitWithEngine(engineAddress, () => (exits += 1));
  await seen;
  expect(exits).toBe(0);
  await new Promise<void>((done) => server.close(() => done()));
  await new Promise<void>((done) => exitWithEngine(engineAddress, done));
});

it("the language host is ended with the process that started it, however that dies", async () => {
  // An engine that starts a language host and is killed; the host under test writes its number and waits.
  const number = join(folder, "number");
  writeFileSync(
    join(folder, "pulumi-language-nodejs"),
    `#!/bin/sh\necho $$ "$@" >${number}.new; mv ${number}.new ${number}; exec sleep 600\n`,
  );
  chmodSync(join(folder, "pulumi-language-nodejs"), 0o755);
  const engine = spawn("sh", ["-c", `"$0" 127.0.0.1:1 & wait`, languageHost], {
    env: { PATH: `${folder}:${process.env.PATH}` },
    stdio: "ignore",
  });
  const [pid = "", ...args] = await until(
    async () => (await new Promise((done) => setImmediate(done)), readText(number)?.trim().split(" ") ?? null),
  );
  expect(args).toEqual(["127.0.0.1:1"]);
  expect(spawnSync("kill", ["-0", pid]).status).toBe(0);
  engine.kill("SIGKILL");
  await until(async () => (await new Promise((done) => setImmediate(done)), spawnSync("kill", ["-0", pid]).status === 0 ? null : true));
});

function readText(file: string): string | null {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return null;
  }
}
