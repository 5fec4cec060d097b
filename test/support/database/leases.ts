// Lends PostgreSQL servers to the files of one test run: vitest sets it up, the first file that asks starts one, all end with the run.
// whatever ends it.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, mkdtempSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Client } from "pg";
import type { TestProject } from "vitest/node";
import { fastFolder } from "../fast-folder.ts";
import { type Cluster, type Passwords, prepareCluster, type PreparedCluster } from "./cluster.ts";
import { readClusterWide } from "./cluster-wide.ts";

declare module "vitest" {
  export interface ProvidedContext {
    /** The socket at which `startPostgres` asks for a server. */
    postgresLeases: string;
  }
}

/** What a file says on its connection, a line of JSON each; the connection's end gives the server back too. */
export type LeaseRequest = "shared" | "own" | "end";
/** The answer to "shared" and "own"; the answer to "end" are the lines (+ or -) that should not have changed. */
export type LeaseAnswer = { readonly port: number; readonly passwords: Passwords } | { readonly failure: string };
export type EndAnswer = { readonly changed: readonly string[] };

interface Lease {
  readonly cluster: Cluster;
  /** Of a shared server: what must be the same when it comes back. */
  readonly before: readonly string[] | null;
}

/** vitest's global set-up: a folder for what tests write, and the lending of servers. No server is started before a file asks. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = mkdtempSync(join(fastFolder, "cutter-tests-"));
  const endKeeper = startKeeper(folder);
  const [servers, worlds] = [join(folder, "servers"), join(folder, "worlds")];
  for (const path of [servers, worlds]) mkdirSync(path);
  chmodSync(folder, 0o755); // the servers run as nobody
  chmodSync(worlds, 0o1777); // as the place around it
  process.env["CUTTER_TEST_FOLDER"] = worlds;
  const lender = new Lender(servers);
  const server = createServer((socket) => void lender.serve(socket));
  const path = join(folder, "leases");
  server.listen(path);
  await once(server, "listening");
  project.provide("postgresLeases", path);
  return async () => {
    server.close();
    await lender.stop();
    await endKeeper();
  };
}

class Lender {
  readonly #folder: string;
  #prepared: Promise<PreparedCluster> | null = null;
  readonly #free: Cluster[] = []; // shared servers that no file has now
  readonly #running = new Set<Cluster>();
  #rights = ""; // on the database `directus` itself: every server starts from the same

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** One connection, one lease: the server is lent, and comes back when the file says so or its connection ends. */
  async serve(socket: Socket): Promise<void> {
    socket.on("error", () => undefined);
    const answer = (value: LeaseAnswer | EndAnswer): void => void socket.write(`${JSON.stringify(value)}\n`);
    let lease: Lease | null = null;
    for await (const line of createInterface({ input: socket })) {
      const request = JSON.parse(line) as LeaseRequest;
      try {
        if (request === "end") {
          const changed = lease === null ? [] : await this.#giveBack(lease);
          lease = null;
          answer({ changed });
        } else {
          lease = await this.#lend(request);
          const { passwords } = await this.#prepare();
          answer({ port: lease.cluster.port, passwords });
        }
      } catch (error) {
        answer({ failure: String(error) });
      }
    }
    if (lease !== null) await this.#end(lease.cluster); // its file died: nobody knows what it left
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#running].map((cluster) => this.#end(cluster)));
  }

  async #lend(request: "shared" | "own"): Promise<Lease> {
    if (request === "own") return { cluster: await this.#start(), before: null };
    const cluster = this.#free.pop() ?? (await this.#startShared());
    return { cluster, before: await withAdmin(cluster, (admin) => renewDatabase(admin, this.#rights)) };
  }

  async #giveBack({ cluster, before }: Lease): Promise<readonly string[]> {
    if (before === null) {
      await this.#end(cluster);
      return [];
    }
    const after = await withAdmin(cluster, readClusterWide);
    const changed = [
      ...before.filter((line) => !after.includes(line)).map((line) => `- ${line}`),
      ...after.filter((line) => !before.includes(line)).map((line) => `+ ${line}`),
    ];
    if (changed.length === 0) this.#free.push(cluster);
    else await this.#end(cluster);
    return changed;
  }

  #prepare(): Promise<PreparedCluster> {
    return (this.#prepared ??= prepareCluster(this.#folder));
  }

  async #start(): Promise<Cluster> {
    const cluster = await (await this.#prepare()).start();
    this.#running.add(cluster);
    return cluster;
  }

  async #startShared(): Promise<Cluster> {
    const cluster = await this.#start();
    this.#rights = await withAdmin(cluster, setAside);
    return cluster;
  }

  async #end(cluster: Cluster): Promise<void> {
    this.#running.delete(cluster);
    await cluster.stop();
  }
}

/**
 * Makes `directus` the database that is copied. Gives the rights on it, and takes them: `prepared` shall stand in no list of who may what.
 */
async function setAside(admin: Client): Promise<string> {
  await admin.query("alter database directus rename to prepared");
  const { rows } = await admin.query<{ rights: string }>(
    "select datacl::text as rights from pg_catalog.pg_database where datname = 'prepared'",
  );
  await admin.query("update pg_catalog.pg_database set datacl = null where datname = 'prepared'");
  await admin.query("alter database prepared owner to workflow_admin; revoke all on database prepared from public");
  const [first] = rows;
  assert(first !== undefined);
  return first.rights;
}

/** A fresh `directus`. CREATE DATABASE copies everything but the rights on the database itself. Gives what a file must leave as it is. */
async function renewDatabase(admin: Client, rights: string): Promise<readonly string[]> {
  await admin.query("drop database if exists directus with (force)");
  await admin.query("create database directus template prepared owner directus strategy file_copy");
  await admin.query("update pg_catalog.pg_database set datacl = $1::aclitem[] where datname = 'directus'", [rights]);
  return await readClusterWide(admin);
}

/** Connected for a moment only: tests look at the sessions of their server. */
async function withAdmin<Result>(cluster: Cluster, act: (admin: Client) => Promise<Result>): Promise<Result> {
  const admin = await cluster.connect("postgres");
  try {
    return await act(admin);
  } finally {
    await admin.end();
  }
}

/**
 * A process that outlives us: when we are gone it ends the servers whose data lies below `folder` and removes the folder.
 * Gives the way to end it.
 */
function startKeeper(folder: string): () => Promise<void> {
  const script = `read -r _
for data in "$1"/servers/*/; do
  pid=$(head -n 1 "$data/postmaster.pid" 2>/dev/null) && [ "/proc/$pid/cwd" -ef "$data" ] && kill -INT "$pid"
done
for step in $(seq 100); do ls "$1"/servers/*/postmaster.pid >/dev/null 2>&1 || break; sleep 0.1; done
rm -rf -- "$1"`;
  const keeper = spawn("sh", ["-c", script, "cutter-test-keeper", folder], { stdio: ["pipe", "ignore", "ignore"], detached: true });
  const ended = once(keeper, "exit");
  return async () => {
    keeper.stdin.end();
    await ended;
  };
}
