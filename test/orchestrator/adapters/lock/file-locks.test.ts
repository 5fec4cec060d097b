// The document's lock: one holder, told to the others; taken over only from the certainly gone.
import { spawn } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { fileLocks } from "../../../../orchestrator/adapters/lock/file-locks.ts";
import { isAlive, readBootId, readProcessStart } from "../../../../orchestrator/adapters/lock/process-facts.ts";
import { readBoot } from "../../../../orchestrator/root-helper/files/host.ts";
import type { FileLocks } from "../../../../orchestrator/ports/lock.ts";
import { FakeClock } from "../../../support/worlds/fake-clock.ts";

const bootId = "b".repeat(32);
const document = "knowledge/other/a.md";
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "cutter-locks-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const locks = (change: { readonly bootId?: string; readonly pid?: number } = {}): FileLocks =>
  fileLocks({ folder, clock: new FakeClock(), pid: process.pid, bootId, ...change });
const lockFile = async (): Promise<string> => join(folder, (await readdir(folder))[0] ?? "none");
const rewrite = async (change: object): Promise<void> => {
  const path = await lockFile();
  await writeFile(path, JSON.stringify({ ...JSON.parse(await readFile(path, "utf8")), ...change }));
};

it("has one holder, and tells the other who that is", async () => {
  const held = await locks().acquire("run-1", document);
  await expect(locks().acquire("run-2", document)).rejects.toMatchObject({
    code: "DOCUMENT_LOCKED",
    facts: { holder: "run-1", pid: process.pid },
  });
  await (await locks().acquire("run-2", "knowledge/other/b.md")).release();
  await held.release();
  expect(await readdir(folder)).toEqual([]);
  await (await locks().acquire("run-2", document)).release();
});

it("of a run id has one holder in whatever letters, and tells the other which document it works on", async () => {
  const held = await locks().acquireRun("run-1", document);
  await expect(locks().acquireRun("RUN-1", "knowledge/other/b.md")).rejects.toMatchObject({
    code: "RUN_LOCKED",
    exitCode: 10,
    facts: { run_id: "RUN-1", holder: "run-1", document_id: document, pid: process.pid },
  });
  await held.release();
  await (await locks().acquireRun("RUN-1", document)).release();
  expect(await readdir(folder)).toEqual([]);
});

it("of a run id is another than that of a document of the same name", async () => {
  const held = [await locks().acquireRun("run-1", "run-1"), await locks().acquire("run-1", "run-1")];
  expect((await readdir(folder)).map((name) => name.replace(/[0-9a-f]{32}/, "…"))).toEqual(["document-….lock", "run-….lock"]);
  for (const lock of held) await lock.release();
});

it("lets exactly one of twenty win", async () => {
  const results = await Promise.allSettled(Array.from({ length: 20 }, (_, index) => locks().acquire(`run-${String(index)}`, document)));
  expect(results.filter((result) => result.status === "fulfilled")).toHaveLength(1);
  expect(await readdir(folder)).toHaveLength(1);
});

it("is taken over from another boot, from a dead process and from a reused pid, and says from whom", async () => {
  const dead = await deadPid();
  for (const gone of [{ bootId: "c".repeat(32) }, { pid: dead }, { processStart: "1" }]) {
    await locks().acquire("run-1", document);
    await rewrite(gone);
    const taken = await locks().acquire("run-2", document);
    expect(taken.replaced).toMatchObject({ runId: "run-1", ...gone });
    await taken.release();
  }
});

it("is not taken over while anything about the holder is unknown", async () => {
  await locks().acquire("run-1", document);
  for (const unknown of [{ processStart: "unknown" }, { bootId: "unknown" }]) {
    await rewrite(unknown);
    await expect(locks().acquire("run-2", document)).rejects.toMatchObject({ code: "DOCUMENT_LOCKED" });
  }
});

it("of a holder whose boot is unknown goes with its process: taken over when that is gone or its pid is another's, else not", async () => {
  const locked = { code: "DOCUMENT_LOCKED", facts: { holder: "run-1" } };
  const taken = { replaced: { runId: "run-1", bootId: "unknown" } };
  for (const [gone, expected] of [
    [{}, locked],
    [{ processStart: "unknown" }, locked],
    [{ processStart: "1" }, taken],
    [{ pid: await deadPid() }, taken],
  ] as const) {
    const held = await locks({ bootId: "unknown" }).acquire("run-1", document);
    await rewrite(gone);
    const second = await locks()
      .acquire("run-2", document)
      .catch((error: unknown) => error);
    expect(second).toMatchObject(expected);
    await held.release();
  }
});

it("stops loudly at a lock file that is none", async () => {
  await locks().acquire("run-1", document);
  await writeFile(await lockFile(), "not a lock");
  await expect(locks().acquire("run-2", document)).rejects.toMatchObject({ code: "LOCK_DAMAGED", exitCode: 30 });
});

it("knows processes by their start, and the boot by the kernel's word, or by the unit's where that is hidden", async () => {
  expect(await readProcessStart(process.pid)).toMatch(/^\d+$/);
  expect(isAlive(process.pid)).toBe(true);
  expect(isAlive(await deadPid())).toBe(false);
  const kernel = (await readFile("/proc/sys/kernel/random/boot_id", "utf8")).trim().replaceAll("-", "");
  const hidden = join(folder, "hidden");
  expect(await readBootId({ CUTTER_BOOT_ID: "c".repeat(32) })).toBe(kernel);
  expect(await readBootId({ CUTTER_BOOT_ID: readBoot() }, hidden)).toBe(kernel); // as the root helper tells it
  expect(await readBootId({ CUTTER_BOOT_ID: "1234ABCD-1234-1234-1234-123456789abc" }, hidden)).toBe("1234abcd123412341234123456789abc");
  expect(await readBootId({ CUTTER_BOOT_ID: "nonsense" }, hidden)).toBe("unknown");
  expect(await readBootId({}, hidden)).toBe("unknown");
});

function deadPid(): Promise<number> {
  return new Promise((done) => {
    const child = spawn("true");
    child.on("close", () => done(child.pid ?? 0));
  });
}
