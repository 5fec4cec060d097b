// Secrets of a root helper, real processes holding them: gone on every signal, on an error and after a kill; never a living process's.
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createTempSecretFolder, removeAbandonedSecretFolders } from "../../../../orchestrator/root-helper/files/temp-secret-folder.ts";
import { makeHostFolder, type HostFolder } from "../../../support/host-folder.ts";

const module = resolve(import.meta.dirname, "../../../../orchestrator/root-helper/files/temp-secret-folder.ts");
let folder: HostFolder;
let children: ChildProcess[];
beforeEach(() => {
  folder = makeHostFolder();
  children = [];
});
afterEach(async () => {
  for (const child of children.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null)) {
    child.kill("SIGKILL");
    await once(child, "close");
  }
  folder.remove();
});

async function startHolder(): Promise<{ readonly child: ChildProcess; readonly path: string }> {
  const script = `import { createTempSecretFolder } from ${JSON.stringify(module)};
    import { writeFileSync } from "node:fs";
    const held = createTempSecretFolder(${JSON.stringify(folder.host)}, "dump", (path) => writeFileSync(path + "/pgpass", "s3cret"));
    console.log(held.path);
    setInterval(() => undefined, 1000);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  children.push(child);
  const [path] = (await once(createInterface(child.stdout), "line")) as [string];
  expect(existsSync(join(path, "pgpass"))).toBe(true);
  return { child, path };
}

const left = () => readdirSync(folder.at("run/cutter/cred"));

describe("a held folder of secrets", () => {
  it.each(["SIGHUP", "SIGINT", "SIGTERM"] as const)("is gone after %s, of which the process dies", async (signal) => {
    const { child } = await startHolder();
    child.kill(signal);
    expect((await once(child, "close"))[1]).toBe(signal);
    expect(left()).toEqual([]);
  });

  it("is gone when filling it fails, and nobody listens any more", () => {
    const listening = process.listenerCount("SIGHUP");
    expect(() =>
      createTempSecretFolder(folder.host, "adhoc", () => {
        throw new Error("disk full");
      }),
    ).toThrow("disk full");
    expect(left()).toEqual([]);
    expect(process.listenerCount("SIGHUP")).toBe(listening);
  });

  it("of a killed process is swept at the next start, a living one's is not", async () => {
    const living = await startHolder();
    const killed = await startHolder();
    killed.child.kill("SIGKILL");
    await once(killed.child, "close");
    expect(existsSync(killed.path)).toBe(true);
    const held = createTempSecretFolder(folder.host, "adhoc", () => undefined);
    expect(existsSync(killed.path)).toBe(false);
    expect(existsSync(join(living.path, "pgpass"))).toBe(true);
    held.remove();
    expect(existsSync(held.path)).toBe(false);
  });

  it("is swept when its pid belongs to another process now; names of another shape are not", () => {
    const names = [`_adhoc.${process.pid}-1.aaaaaaaaaaaa`, "run-1", "_adhoc.aaaaaaaaaaaa", "_adhoc.0-1.aaaaaaaaaaaa"];
    for (const name of names) mkdirSync(folder.at(`run/cutter/cred/${name}`));
    removeAbandonedSecretFolders(folder.host);
    expect(left().sort()).toEqual(names.slice(1).sort());
  });
});
