// State locks of dead engines: this machine's go, everybody else's stay.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { clearStaleLocks, toClearedLine } from "../../../../provision/toolchain/repair/stale-lock.ts";

let backend: string;
let folder: string;
/** A process that has just ended. */
const deadPid = () => spawnSync("true").pid;
const lock = (name: string, text: unknown) =>
  writeFileSync(join(folder, `${name}.json`), typeof text === "string" ? text : JSON.stringify(text));
const held = (pid: number, host = hostname()) => ({ pid, username: "root", hostname: host, timestamp: "2026-11-23T01:00:00Z" });
const left = () => readdirSync(folder).sort();

beforeEach(() => {
  backend = mkdtempSync(join(tmpdir(), "ck-locks-"));
  folder = join(backend, ".pulumi/locks/organization/cutter-kit/sandbox");
  mkdirSync(folder, { recursive: true });
});
afterEach(() => rmSync(backend, { recursive: true, force: true }));

it("clears the lock of a dead engine of this machine, and says whose it was", () => {
  const pid = deadPid();
  lock("a", held(pid));
  const cleared = clearStaleLocks(`file://${backend}`);
  expect(left()).toEqual([]);
  expect(cleared.map(toClearedLine)).toEqual([
    `[INFO] cleared the state lock of a pulumi that is gone: pid=${pid} user=root since=2026-11-23T01:00:00Z`,
  ]);
});

it("takes a number that another program has now for a dead engine's", () => {
  lock("a", held(process.pid)); // this is no pulumi
  expect(clearStaleLocks(`file://${backend}`)).toHaveLength(1);
  expect(left()).toEqual([]);
});

it("clears what a dead engine had begun to write as its lock: the engine takes that for a lock, too", () => {
  lock("a", held(deadPid()));
  renameSync(join(folder, "a.json"), join(folder, "a.json.18ab.tmp"));
  expect(clearStaleLocks(`file://${backend}`)).toHaveLength(1);
  expect(left()).toEqual([]);
});

it("leaves the lock of a living engine, of another machine, and what it cannot read", () => {
  lock("living", held(4711));
  lock("elsewhere", held(deadPid(), "another-machine"));
  lock("torn", '{"pid":');
  expect(clearStaleLocks(`file://${backend}`, (pid) => pid === 4711)).toEqual([]);
  expect(left()).toEqual(["elsewhere.json", "living.json", "torn.json"]);
});

it("follows no link out of the state, and reads no lock of a size that is none", () => {
  const outside = mkdtempSync(join(tmpdir(), "ck-outside-"));
  try {
    writeFileSync(join(outside, "a.json"), JSON.stringify(held(deadPid())));
    symlinkSync(outside, join(folder, "link"));
    lock("huge", `${JSON.stringify(held(deadPid()))}${" ".repeat(70_000)}`);
    expect(clearStaleLocks(`file://${backend}`)).toEqual([]);
    expect(readdirSync(outside)).toEqual(["a.json"]);
    expect(left()).toEqual(["huge.json", "link"]);
  } finally {
    rmSync(outside, { recursive: true });
  }
});

it("touches nothing where state is a team's, or where there are no locks", () => {
  lock("a", held(deadPid()));
  expect(clearStaleLocks("s3://states")).toEqual([]);
  expect(clearStaleLocks("file:///nonexistent")).toEqual([]);
  expect(left()).toEqual(["a.json"]);
});
