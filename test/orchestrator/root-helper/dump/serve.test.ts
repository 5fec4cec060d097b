// The dump helper behind a real unix socket, with the orchestrator's own client and a stand-in for docker: what travels, what is refused,
// what is stopped.
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect, createServer, type Server } from "node:net";
import { once } from "node:events";
import { resolve } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { dumpSocket } from "../../../../orchestrator/adapters/dump-socket/dump-socket.ts";
import { databaseContractSchema } from "../../../../orchestrator/core/database/contract.ts";
import { backupTables } from "../../../../orchestrator/core/backup/tables.ts";
import { decodeFrames, type Frame } from "../../../../orchestrator/core/backup/dump-frames.ts";
import { toProgramOptions } from "../../../../orchestrator/root-helper/dump/command.ts";
import { serveDump } from "../../../../orchestrator/root-helper/dump/serve.ts";
import { configText, makeHostFolder, type HostFolder } from "../../../support/host-folder.ts";
import { toPattern } from "../../../support/refusal-case.ts";

const snapshot = "00000003-0000001B-1";
let folder: HostFolder;
let server: Server;
let codes: Promise<number>[] = [];

/** A stand-in for docker (or for pg_dump itself) that notes its argv and environment, then does what the test wants. */
function plantProgram(name: string, body: string): void {
  const file = folder.at(`bin/${name}`);
  writeFileSync(
    file,
    `#!/bin/sh\nprintf '%s\\n' "$@" >>${folder.at("argv")}\nenv >${folder.at("environment")}\ncase "$*" in *--version*) echo ` +
      `"pg_dump (PostgreSQL) 18.6 (Debian 18.6-1)"; exit 0;; esac\n${body}\n`,
  );
  chmodSync(file, 0o755);
}

beforeEach(async () => {
  folder = makeHostFolder();
  codes = [];
  mkdirSync(folder.at("bin"));
  server = createServer({ allowHalfOpen: true }, (socket) => {
    codes.push(serveDump(folder.host, socket, `${folder.at("bin")}:/usr/bin:/bin`));
  });
  server.listen(folder.at("dump.sock"));
  await once(server, "listening");
});
afterEach(() => {
  server.close();
  folder.remove();
});

const source = () => dumpSocket({ path: folder.at("dump.sock"), idleMs: 5000 });
const argv = () => readFileSync(folder.at("argv"), "utf8").trim().split("\n");

async function ask(line: string): Promise<readonly Frame[]> {
  const socket = connect({ path: folder.at("dump.sock") });
  socket.write(line);
  const frames: Frame[] = [];
  for await (const frame of decodeFrames(socket)) frames.push(frame);
  return frames;
}

describe("a dump by docker exec", () => {
  test("brings the version, every byte and the exit code", async () => {
    plantProgram("docker", "head -c 3000000 /dev/zero | tr '\\0' x");
    const dump = await source().open({ snapshotId: snapshot, tables: ["public.information_unit", "public.unit_version"] });
    expect(dump.pgDumpVersion).toBe("18.6");
    expect(await text(dump.stream)).toBe("x".repeat(3_000_000));
    expect(await dump.exit).toEqual({ code: 0, stderr: "" });
    expect(argv().slice(4)).toEqual([
      "exec",
      "--env",
      `PGOPTIONS=${toProgramOptions(false)}`,
      "postgres",
      "pg_dump",
      "--format=custom",
      "--no-password",
      "--strict-names",
      "--lock-wait-timeout=30000",
      `--snapshot=${snapshot}`,
      "--username=directus",
      "--dbname=directus",
      '--table="public"."information_unit"',
      '--table="public"."unit_version"',
    ]);
  });

  test("tells a failure of pg_dump by its exit code and what it said", async () => {
    plantProgram("docker", "echo part; echo 'pg_dump: error: no matching tables were found' >&2; exit 1");
    const dump = await source().open({ snapshotId: snapshot, tables: ["public.information_unit"] });
    expect(await text(dump.stream)).toBe("part\n");
    expect(await dump.exit).toEqual({ code: 1, stderr: "pg_dump: error: no matching tables were found\n" });
  });

  test("a death by signal is not a success", async () => {
    plantProgram("docker", "kill -9 $$");
    const dump = await source().open({ snapshotId: snapshot, tables: ["public.information_unit"] });
    await text(dump.stream);
    expect((await dump.exit).code).toBe(255);
  });

  test("answers the version alone, without a dump", async () => {
    plantProgram("docker", "echo must not run >&2; exit 3");
    expect(await source().readVersion()).toBe("18.6");
    expect(argv()).toEqual(["exec", "postgres", "pg_dump", "--version"]);
  });

  test("the child sees no environment but the fixed one", async () => {
    process.env["PGPASSWORD"] = "planted";
    plantProgram("docker", "true");
    const dump = await source().open({ snapshotId: snapshot, tables: ["public.information_unit"] });
    await text(dump.stream);
    delete process.env["PGPASSWORD"];
    const names = readFileSync(folder.at("environment"), "utf8")
      .split("\n")
      .map((line) => line.split("=")[0]);
    expect(names.filter((name) => name !== "" && name !== "PWD" && name !== "_" && name !== "SHLVL" && name !== "OLDPWD").sort()).toEqual([
      "HOME",
      "LC_ALL",
      "PATH",
    ]);
  });

  test("pg_dump is stopped when the client goes away", async () => {
    plantProgram("docker", `echo $$ >${folder.at("pid")}; exec yes`);
    const dump = await source().open({ snapshotId: snapshot, tables: ["public.information_unit"] });
    await once(dump.stream, "readable");
    dump.stream.destroy();
    dump.exit.catch(() => undefined);
    expect(await codes[0]).toBe(10);
    const pid = readFileSync(folder.at("pid"), "utf8").trim();
    await expect.poll(() => existsSync(`/proc/${pid}`)).toBe(false);
  });
});

describe("a dump by the host's client", () => {
  beforeEach(() =>
    folder.write(
      "etc/cutter/orchestrator.yaml",
      configText("", `{kind: client, bin_dir: ${folder.at("bin")}, user: context_pack_readonly}`),
      0o640,
    ),
  );

  test("gets its password in a file that only root reads and that is gone afterwards", async () => {
    plantProgram("pg_dump", 'cat "$PGPASSFILE"; stat -c %a "$PGPASSFILE"');
    const dump = await source().open({ snapshotId: snapshot, tables: ["public.information_unit"] });
    expect(await text(dump.stream)).toBe("*:*:*:context_pack_readonly:readonly-s3cret\n600\n");
    await dump.exit;
    expect(argv().join(" ")).not.toContain("s3cret");
    const environment = readFileSync(folder.at("environment"), "utf8");
    expect(environment).not.toContain("s3cret");
    const passwordFile = /PGPASSFILE=(.*)/.exec(environment)?.[1] ?? "";
    await codes[0];
    expect(passwordFile).not.toBe("");
    expect(existsSync(passwordFile)).toBe(false);
  });

  test("a user whose password nobody holds is refused", async () => {
    folder.write("etc/cutter/orchestrator.yaml", configText("", `{kind: client, bin_dir: ${folder.at("bin")}, user: stranger}`), 0o640);
    plantProgram("pg_dump", "true");
    const frames = await ask(`${JSON.stringify({ op: "dump", snapshot, tables: ["public.information_unit"] })}\n`);
    expect(frames.map(({ type }) => type)).toEqual(["V", "E", "X"]);
    expect(frames[1]?.payload.toString()).toMatch(toPattern("CONFIG_INVALID reason=dump_access"));
  });
});

describe("what is refused", () => {
  beforeEach(() => plantProgram("docker", "echo must not run"));

  test.each([
    ["no JSON", "x\n"],
    ["another operation", '{"op":"restore"}\n'],
    ["an unknown field", '{"op":"version","x":1}\n'],
    ["a snapshot that is an option", JSON.stringify({ op: "dump", snapshot: "--help", tables: ["public.information_unit"] }) + "\n"],
    ["a table outside the backup", JSON.stringify({ op: "dump", snapshot, tables: ["public.dot_config"] }) + "\n"],
    ["a pattern", JSON.stringify({ op: "dump", snapshot, tables: ["public.*"] }) + "\n"],
    ["no table at all", JSON.stringify({ op: "dump", snapshot, tables: [] }) + "\n"],
    ["a second request on the same connection", '{"op":"version"}\n{"op":"version"}'],
    ["a line without an end", "x".repeat(20_000)],
  ])("%s, before any program runs", async (_what, line) => {
    const frames = await ask(line);
    expect(frames.map(({ type }) => type)).toEqual(["E", "X"]);
    expect(frames[0]?.payload.toString()).toContain("DUMP_REQUEST_REFUSED");
    expect(frames[1]?.payload.toString()).toBe('{"code":10}');
    expect(existsSync(folder.at("argv"))).toBe(false);
  });

  test("every table of the narrow backup may be asked for, and no other list exists", async () => {
    plantProgram("docker", "true");
    const dump = await source().open({ snapshotId: snapshot, tables: [...backupTables] });
    await text(dump.stream);
    expect((await dump.exit).code).toBe(0);
  });
});

test("the list of the narrow backup is the contract's own", () => {
  const contract = databaseContractSchema.parse(
    JSON.parse(readFileSync(resolve(import.meta.dirname, "../../../../sql/contract/contract.json"), "utf8")),
  );
  expect([...backupTables].sort()).toEqual([...contract.backupTables].sort());
});
