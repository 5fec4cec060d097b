// A dry run while the way to pg_dump is away, old or unreadable: recorded as what stops a live run, and the run still reaches the end.
import { PassThrough } from "node:stream";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CutterError } from "../../../orchestrator/core/errors.ts";
import { makeWorld, type World } from "../../support/worlds/world.ts";

let world: World;
beforeEach(async () => {
  world = await makeWorld();
});
afterEach(() => world.remove());

const refusalsOf = async () => {
  const outcome = await world.start();
  expect(outcome).toMatchObject({ result: "done", exit_code: 0, certificate: "pass", phases_done: 11 });
  return outcome.would_refuse.map(({ phase, code }) => `${phase} ${code}`);
};

describe("a dry run without a usable pg_dump", () => {
  it("records a helper that is away at both phases that need it", async () => {
    world.dumpSource.failure = new CutterError("DUMP_UNREACHABLE", { path: "/run/cutter/dump.sock" });
    expect(await refusalsOf()).toEqual(expect.arrayContaining(["source_pin DUMP_UNREACHABLE", "pre_write_backup DUMP_UNREACHABLE"]));
    expect(JSON.parse(await world.readRunFile("outputs/01-source-pin.json"))).toMatchObject({ pgDumpVersion: null });
    expect(world.database.snapshotsOpen).toBe(0);
  });

  it.each(["", "unknown", "17.9"])("takes the version %j for too old", async (version) => {
    world.dumpSource.version = version;
    expect(await refusalsOf()).toContain("source_pin PG_DUMP_TOO_OLD");
  });

  it("does not take a bug of ours for a refusal", async () => {
    world.dumpSource.readVersion = () => Promise.reject(new TypeError("a bug"));
    await expect(world.start()).rejects.toMatchObject({ code: "INTERNAL_BUG" });
  });
});

it("tells why the encryption failed, not that the dump was given up because of it", async () => {
  const stream = new PassThrough();
  const exit = new Promise<never>((_done, fail) =>
    stream.once("close", () => fail(new CutterError("DUMP_STREAM_BROKEN", { why: "the stream was given up" }))),
  );
  world.dumpSource.open = () => Promise.resolve({ pgDumpVersion: "18.6", stream, exit });
  world.ports.encryptor.encrypt = async (plaintext) => {
    plaintext.destroy();
    await exit.catch(() => undefined);
    throw new CutterError("KEY_UNUSABLE", { reason: "expired" });
  };
  const refusals = await refusalsOf();
  expect(refusals).toContain("pre_write_backup KEY_UNUSABLE");
  expect(stream.destroyed).toBe(true);
});
