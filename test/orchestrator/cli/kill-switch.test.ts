// The kill switch: off whatever lies around, and nobody else reads the constant.
import { mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { nodeFiles } from "../../../orchestrator/adapters/node-files/node-files.ts";
import { toSwitchJson } from "../../../orchestrator/cli/kill-switch-status.ts";
import { __execution_enabled__, executionEnabled, readKillSwitch, type TokenVerifier } from "../../../orchestrator/kill-switch.ts";

let folder: string;
let paths: { readonly latch: string; readonly armed: string; readonly live: string };
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "cutter-switch-"));
  paths = { latch: join(folder, "DISABLED"), armed: join(folder, "armed"), live: join(folder, "live") };
  await mkdir(paths.armed);
  await mkdir(paths.live);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const now = new Date("2026-11-22T10:30:00Z");
const yes: TokenVerifier = () => Promise.resolve(true);
const ask = (verifyToken: TokenVerifier, runId = "run-1") => executionEnabled(runId, { files: nodeFiles, paths, verifyToken });

it("is false in source, and read in one file only", async () => {
  expect(__execution_enabled__).toBe(false);
  const root = join(import.meta.dirname, "../../../orchestrator");
  const importers: string[] = [];
  for (const name of await readdir(root, { recursive: true })) {
    if (name.endsWith(".ts") && /\bimport\b[^;]*\b__execution_enabled__\b/.test(await readFile(join(root, name), "utf8")))
      importers.push(name);
  }
  expect(importers).toEqual([]);
  const source = await readFile(join(root, "kill-switch.ts"), "utf8");
  expect(source).toContain("export const __execution_enabled__ = false;");
  // said once, read once
  expect(source.split("\n").filter((line) => line.includes("__execution_enabled__") && !line.trimStart().startsWith("*"))).toHaveLength(2);
});

it("answers true only for this run's verified token without the latch", async () => {
  expect(await ask(yes)).toBe(false);
  await mkdir(join(paths.live, "run-1"));
  expect(await ask(yes)).toBe(true);
  expect(await ask(yes, "run-2")).toBe(false);
  expect(await ask(() => Promise.resolve(false))).toBe(false);
  expect(await ask(() => Promise.reject(new Error("unreadable")))).toBe(false);
  await writeFile(paths.latch, "");
  expect(await ask(yes)).toBe(false);
});

it("counts a latch that cannot be read, or that leads nowhere, as set", async () => {
  await mkdir(join(paths.live, "run-1"));
  await symlink("/nowhere", paths.latch);
  expect(await ask(yes)).toBe(false);
  const broken = {
    ...nodeFiles,
    facts: (path: string) => (path === paths.latch ? Promise.reject(new Error("EACCES")) : nodeFiles.facts(path)),
  };
  expect(await executionEnabled("run-1", { files: broken, paths, verifyToken: yes })).toBe(false);
  expect(await readKillSwitch(broken, paths, now)).toMatchObject({ state: "disabled" });
});

it("shows off, armed, live and disabled, the later over the earlier", async () => {
  expect(await readKillSwitch(nodeFiles, paths, now)).toEqual({ state: "off" });
  await mkdir(join(paths.armed, "run-1"));
  await writeFile(join(paths.armed, "run-1/token.json"), JSON.stringify({ expires_at: "2026-11-22T11:00:00Z" }));
  expect(await readKillSwitch(nodeFiles, paths, now)).toEqual({ state: "armed", runId: "run-1", until: "2026-11-22T11:00:00.000Z" });
  await mkdir(join(paths.live, "run-2"));
  expect(await readKillSwitch(nodeFiles, paths, now)).toEqual({ state: "live", runId: "run-2", since: null });
  await writeFile(join(paths.live, "run-2/started_at"), "2026-11-22T10:20:00Z\n");
  expect(await readKillSwitch(nodeFiles, paths, now)).toEqual({ state: "live", runId: "run-2", since: "2026-11-22T10:20:00.000Z" });
  await writeFile(paths.latch, "");
  expect(await readKillSwitch(nodeFiles, paths, now)).toMatchObject({ state: "disabled" });
  await rm(paths.latch);
  await rm(paths.live, { recursive: true });
  await writeFile(paths.live, "");
  await expect(readKillSwitch(nodeFiles, paths, now)).rejects.toMatchObject({ code: "KILL_SWITCH_UNREADABLE" });
});

it("takes a token that expired before it was started for none, and one that cannot be read for armed", async () => {
  await mkdir(join(paths.armed, "run-1"));
  await writeFile(join(paths.armed, "run-1/token.json"), JSON.stringify({ expires_at: "2026-11-22T10:30:00Z" }));
  expect(await readKillSwitch(nodeFiles, paths, now)).toEqual({ state: "off" });
  await mkdir(join(paths.armed, "run-2"));
  await writeFile(join(paths.armed, "run-2/token.json"), "no JSON");
  expect(await readKillSwitch(nodeFiles, paths, now)).toEqual({ state: "armed", runId: "run-2", until: null });
});

it("tells as JSON what it tells as text: until when, since when, why", () => {
  const none = { schema: "cutter.kill-switch/1", run_id: null, until: null, since: null, why: null };
  expect(toSwitchJson({ state: "off" })).toEqual({ ...none, state: "off" });
  expect(toSwitchJson({ state: "armed", runId: "run-1", until: "2026-11-22T11:00:00.000Z" })).toEqual({
    ...none,
    state: "armed",
    run_id: "run-1",
    until: "2026-11-22T11:00:00.000Z",
  });
  expect(toSwitchJson({ state: "live", runId: "run-1", since: "2026-11-22T10:00:00.000Z" })).toEqual({
    ...none,
    state: "live",
    run_id: "run-1",
    since: "2026-11-22T10:00:00.000Z",
  });
  expect(toSwitchJson({ state: "disabled", why: "the latch is set" })).toEqual({ ...none, state: "disabled", why: "the latch is set" });
});
