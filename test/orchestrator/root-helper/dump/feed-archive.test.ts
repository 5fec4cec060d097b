// What root lets near pg_restore: archives its own pg_dump gave out, whole and in order, into the scratch database of root's own
// configuration, and nothing else.
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { buffer } from "node:stream/consumers";
import { Readable } from "node:stream";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { decodeFrames, encodeFrame } from "../../../../orchestrator/core/backup/dump-frames.ts";
import { DumpRecorder, onlyEmitted } from "../../../../orchestrator/root-helper/dump/emitted-dumps.ts";
import { archiveBytes, listing, makeBackupOwner, makeBackupWorld, type BackupWorld } from "../../../support/worlds/backup-world.ts";
import { configText } from "../../../support/host-folder.ts";
import { toPattern } from "../../../support/refusal-case.ts";

const owner = makeBackupOwner();
afterAll(() => owner.home.remove());
let world: BackupWorld;
let archive: Buffer;
let sha256: string;
beforeEach(async () => {
  world = await makeBackupWorld(owner);
  archive = await buffer((await world.open()).stream);
  sha256 = createHash("sha256").update(archive).digest("hex");
});
afterEach(() => world.remove());

const flipped = (at: number) => {
  const bytes = Buffer.from(archive);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  return bytes;
};
const restoresRun = () => world.argv().filter((line) => line.includes("pg_restore")).length;

describe("an archive that pg_dump gave out", () => {
  it("is listed and restored, in whatever chunks it comes", async () => {
    expect(await world.archives.list(Readable.from([archive]), sha256)).toEqual({ code: 0, listing: listing(), stderr: "" });
    const chunks = Array.from({ length: Math.ceil(archive.length / 70_001) }, (_none, at) =>
      archive.subarray(at * 70_001, (at + 1) * 70_001),
    );
    expect(await world.archives.restore(Readable.from(chunks), sha256)).toEqual({ code: 0, stderr: "" });
    expect(world.fed("restore")?.equals(archive)).toBe(true);
  });

  it("is remembered by digests alone, for root alone, and the newest eight", async () => {
    for (const number of [1, 2, 3, 4, 5, 6, 7, 8]) {
      world.plant({ dump: `echo dump ${String(number)}` });
      await buffer((await world.open()).stream);
    }
    const folder = world.host.at("run/cutter-dumps");
    expect(readdirSync(folder)).toHaveLength(8);
    expect(readdirSync(folder)).not.toContain(sha256);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    for (const name of readdirSync(folder))
      expect(Object.keys(JSON.parse(readFileSync(`${folder}/${name}`, "utf8")) as object)).toEqual(["sha256", "bytes", "pieces"]);
  });
});

describe("pg_restore sees nothing wrong", () => {
  it.each<[string, () => Buffer]>([
    ["a byte is another in the middle", () => flipped(archiveBytes >> 1)],
    ["the last byte is another", () => flipped(archiveBytes - 1)],
    ["it ends a piece too early", () => archive.subarray(0, 2 * 1024 * 1024)],
    ["it ends a byte too early", () => archive.subarray(0, -1)],
    ["it goes on behind its end", () => Buffer.concat([archive, Buffer.from("x")])],
    ["it is empty", () => Buffer.alloc(0)],
  ])("when %s: refused, and what was passed on is a true beginning without an end", async (_what, toSent) => {
    world.plant({ restore: `cat >${world.host.at("fed-restore")}; touch ${world.host.at("saw-the-end")}` });
    const { code, stderr } = await world.archives.restore(Readable.from([toSent()]), sha256);
    expect({ code, refused: stderr.includes("DUMP_REQUEST_REFUSED") }).toEqual({ code: 10, refused: true });
    const fed = world.fed("restore") ?? Buffer.alloc(0);
    expect(archive.subarray(0, fed.length).equals(fed)).toBe(true);
    expect(fed.length).toBeLessThan(archive.length);
    expect(existsSync(world.host.at("saw-the-end"))).toBe(false);
  });

  it("when nobody here gave it out, however well it is described", async () => {
    const foreign = Buffer.from("PGDMP made at home");
    const { code, stderr } = await world.archives.restore(Readable.from([foreign]), createHash("sha256").update(foreign).digest("hex"));
    expect({ code, refused: stderr.includes("DUMP_REQUEST_REFUSED") }).toEqual({ code: 10, refused: true });
    expect(restoresRun()).toBe(0);
  });

  it("when pg_dump failed: its bytes are no archive", async () => {
    world.plant({ dump: "echo half; exit 1" });
    const half = await buffer((await world.open()).stream);
    const { code } = await world.archives.list(Readable.from([half]), createHash("sha256").update(half).digest("hex"));
    expect(code).toBe(10);
    expect(restoresRun()).toBe(0);
  });

  it.each([
    ["there is no scratch database", ""],
    ["it is the production database", "scratch_database: cutter_scratch"],
  ])("when %s", async (_what, extra) => {
    world.host.write("etc/cutter/orchestrator.yaml", configText(extra), 0o640);
    if (extra !== "") {
      const env = readFileSync(world.host.at("opt/incomex/docker/.env"), "utf8").replace(
        "DOT_CUTTER_DB_NAME=directus",
        "DOT_CUTTER_DB_NAME=cutter_scratch",
      );
      writeFileSync(world.host.at("opt/incomex/docker/.env"), env);
    }
    const { code, stderr } = await world.archives.restore(Readable.from([archive]), sha256);
    expect({ code, refused: toPattern("CONFIG_INVALID reason=scratch_database").test(stderr) }).toEqual({ code: 78, refused: true });
    expect(restoresRun()).toBe(0);
  });

  it("when a frame is none of an archive, or the client goes away", async () => {
    world.plant({ restore: `cat >/dev/null; touch ${world.host.at("saw-the-end")}` });
    const answers: string[] = [];
    const socket = connect({ path: world.host.at("dump.sock") });
    socket.write(`${JSON.stringify({ op: "restore", sha256 })}\n`);
    for await (const frame of decodeFrames(socket)) {
      answers.push(frame.type);
      if (frame.type === "V") socket.write(encodeFrame("E", Buffer.from("no archive")));
    }
    expect(answers).toEqual(["V", "E", "X"]);
    const broken = async function* () {
      yield archive.subarray(0, 1_100_000);
      throw new Error("decryption broke off");
    };
    await expect(world.archives.restore(Readable.from(broken()), sha256)).rejects.toThrow("decryption broke off");
    expect(existsSync(world.host.at("saw-the-end"))).toBe(false);
  });

  it.each(["a digest that is a path", "an upper-case digest"])("when it is asked by %s", async (what) => {
    const socket = connect({ path: world.host.at("dump.sock") });
    socket.write(`${JSON.stringify({ op: "list", sha256: what.startsWith("an") ? "A".repeat(64) : "../../etc/shadow" })}\n`);
    const answers: string[] = [];
    for await (const frame of decodeFrames(socket)) answers.push(`${frame.type} ${frame.payload.toString("utf8").slice(0, 20)}`);
    expect(answers).toEqual(["E DUMP_REQUEST_REFUSED", 'X {"code":10}']);
  });
});

it("by the host's own client, pg_restore gets its password in a file that is gone afterwards", async () => {
  world.host.write(
    "etc/cutter/orchestrator.yaml",
    configText("scratch_database: cutter_scratch", `{kind: client, bin_dir: ${world.host.at("bin")}, user: context_pack_readonly}`),
    0o640,
  );
  const program = (body: string) => `#!/bin/sh\ncase "$*" in *--version*) echo "pg_dump (PostgreSQL) 18.6";; *) ${body};; esac\n`;
  writeFileSync(world.host.at("bin/pg_dump"), program("true"), { mode: 0o755 });
  writeFileSync(
    world.host.at("bin/pg_restore"),
    program(
      `echo "$*" >${world.host.at("client")}; cp "$PGPASSFILE" ${world.host.at("pgpass")}; echo "$PGPASSFILE" ` +
        `>${world.host.at("place")}; cat >/dev/null`,
    ),
    { mode: 0o755 },
  );
  expect(await world.archives.restore(Readable.from([archive]), sha256)).toEqual({ code: 0, stderr: "" });
  expect(readFileSync(world.host.at("client"), "utf8")).toContain("--host=127.0.0.1 --port=5432 --clean");
  expect(readFileSync(world.host.at("client"), "utf8")).toContain("--dbname=cutter_scratch");
  expect(readFileSync(world.host.at("pgpass"), "utf8")).toBe("*:*:*:context_pack_readonly:readonly-s3cret\n");
  await expect.poll(() => existsSync(readFileSync(world.host.at("place"), "utf8").trim())).toBe(false);
});

it("records and judges pieces alike at every edge of a piece", async () => {
  for (const length of [0, 1, 1024 * 1024 - 1, 1024 * 1024, 1024 * 1024 + 1, 2 * 1024 * 1024]) {
    const bytes = Buffer.alloc(length, "edge");
    const recorder = new DumpRecorder();
    for (let at = 0; at < length; at += 65_536) recorder.take(bytes.subarray(at, at + 65_536));
    const record = recorder.finish();
    expect(record).toMatchObject({ bytes: length, sha256: createHash("sha256").update(bytes).digest("hex") });
    const passed: Buffer[] = [];
    for await (const piece of onlyEmitted(Readable.from(length === 0 ? [] : [bytes]), record)) passed.push(piece);
    expect(Buffer.concat(passed).equals(bytes)).toBe(true);
  }
});
