// The dump client against a real unix socket: whole frames give bytes and an exit code, everything else is a refusal.
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { archiveSocket } from "../../../../orchestrator/adapters/dump-socket/archive-socket.ts";
import { dumpSocket } from "../../../../orchestrator/adapters/dump-socket/dump-socket.ts";
import { encodeFrame } from "../../../../orchestrator/core/backup/dump-frames.ts";

const bytes = Buffer.from([0, 1, 2, 255]);
const version = encodeFrame("V", Buffer.from("18.6"));
const exit = (code: number) => encodeFrame("X", Buffer.from(JSON.stringify({ code })));
const request = { snapshotId: "00000003-0000001B-1", tables: ["public.information_unit"] };
let directory: string;
let path: string;
let server: Server | undefined;
let asked: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "cutter-dump-"));
  path = join(directory, "dump.sock");
  asked = "";
});
afterEach(async () => {
  await new Promise((done) => (server === undefined ? done(null) : server.close(done)));
  server = undefined;
  rmSync(directory, { recursive: true, force: true });
});

/** Answers one request with the given bytes, cut into single bytes so that frames arrive torn. */
async function serve(answer: readonly Buffer[], end = true): Promise<void> {
  const reply = (socket: Socket) => {
    socket.on("error", () => undefined);
    socket.on("data", (line: Buffer) => {
      asked += line.toString("utf8");
      if (!asked.endsWith("\n")) return;
      for (const byte of Buffer.concat(answer)) socket.write(Buffer.from([byte]));
      if (end) socket.end();
    });
  };
  server = createServer(reply);
  await new Promise<void>((done) => server?.listen(path, done));
}

async function dump() {
  const { pgDumpVersion, stream, exit: ended } = await dumpSocket({ path, idleMs: 300 }).open(request);
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return { pgDumpVersion, bytes: Buffer.concat(chunks), ...(await ended) };
}

describe("the dump socket", () => {
  it("gives version, bytes, complaint and exit code, and asks in the agreed words", async () => {
    await serve([version, encodeFrame("D", bytes), encodeFrame("E", Buffer.from("note")), encodeFrame("D", bytes), exit(3)]);
    expect(await dump()).toEqual({ pgDumpVersion: "18.6", bytes: Buffer.concat([bytes, bytes]), code: 3, stderr: "note" });
    expect(JSON.parse(asked)).toEqual({ op: "dump", snapshot: request.snapshotId, tables: request.tables });
  });

  it("tells the version without a dump", async () => {
    await serve([version, exit(0)]);
    expect(await dumpSocket({ path, idleMs: 300 }).readVersion()).toBe("18.6");
  });

  it.each([
    ["an end without an exit code", [version, encodeFrame("D", bytes)]],
    ["a torn frame", [version, encodeFrame("D", bytes).subarray(0, 7)]],
    ["an unknown frame", [version, Buffer.from("Q\0\0\0\0")]],
    ["an oversized frame", [version, Buffer.from([0x44, 0xff, 0xff, 0xff, 0xff])]],
    ["bytes behind the exit", [version, exit(0), Buffer.from("more")]],
    ["an exit frame without a code", [version, encodeFrame("X", Buffer.from("{}"))]],
    ["no version", [encodeFrame("D", bytes), exit(0)]],
    ["nothing at all", []],
  ])("refuses %s", async (_name, answer) => {
    await serve(answer);
    await expect(dump()).rejects.toMatchObject({ code: "DUMP_STREAM_BROKEN" });
  });

  it("gives up on a helper that falls silent and on one that is not there", async () => {
    await serve([version], false);
    await expect(dump()).rejects.toMatchObject({ code: "DUMP_STREAM_BROKEN", facts: { why: "the helper fell silent" } });
    await expect(dumpSocket({ path: join(directory, "none.sock"), idleMs: 300 }).readVersion()).rejects.toMatchObject({
      code: "DUMP_UNREACHABLE",
    });
  });

  it("told to stop, waits no longer for an answer about an archive", async () => {
    const stop = new AbortController();
    await serve([version], false);
    const listing = archiveSocket({ path, idleMs: 60_000, signal: stop.signal }).list(Readable.from([bytes]), "a".repeat(64));
    listing.catch(() => undefined);
    await expect.poll(() => asked.includes("list")).toBe(true);
    stop.abort();
    await expect(listing).rejects.toMatchObject({ name: "AbortError" });
  });

  it.each([
    ["before anything was read", []],
    ["while it waits for a helper that says nothing", [encodeFrame("D", bytes)]],
  ])("given up %s, closes the socket at once", async (_when, frames) => {
    const closed = Promise.withResolvers<string>();
    server = createServer((socket) => {
      socket.on("error", () => undefined);
      socket.once("close", () => closed.resolve("closed"));
      socket.once("data", () => socket.write(Buffer.concat([version, ...frames])));
    });
    await new Promise<void>((done) => server?.listen(path, done));
    const { stream, exit: ended } = await dumpSocket({ path, idleMs: 60_000 }).open(request);
    if (frames.length > 0) {
      const arrived = Promise.withResolvers<void>();
      stream.once("data", () => arrived.resolve());
      await arrived.promise;
    }
    stream.destroy();
    expect(await closed.promise).toBe("closed");
    await expect(ended).rejects.toMatchObject({ code: "DUMP_STREAM_BROKEN" });
  });
});
