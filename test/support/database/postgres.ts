// A throwaway PostgreSQL 18 with the substrate applied, for one test file: real rules, real errors, no Docker.
import assert from "node:assert/strict";
import { connect as connectSocket } from "node:net";
import { createInterface } from "node:readline";
import type { Client } from "pg";
import { inject } from "vitest";
import { connectTo, type Passwords, type TestRole } from "./cluster.ts";
import type { EndAnswer, LeaseAnswer, LeaseRequest } from "./leases.ts";

export type { TestRole } from "./cluster.ts";

export interface TestPostgres {
  readonly host: "127.0.0.1";
  readonly port: number;
  readonly database: "directus";
  readonly passwords: Passwords;
  /** A connected client of that role; `stop` ends those still open. */
  connect(role: TestRole, options?: { readonly database?: string }): Promise<Client>;
  /**
   * Ends the clients and gives the server back. May be repeated.
   * @throws when something changed that holds for a whole server and the server is not the file's own
   */
  stop(): Promise<void>;
}

/**
 * A server on loopback: scram for every login, superuser `workflow_admin`, no role `postgres`, a fresh database `directus`. Files that run
 * side by side never get the same one; files that run after each other may. `ownServer` says why a file needs one that no other file gets:
 * what it changes holds for a whole server (roles, their settings, databases).
 */
export async function startPostgres(options: { readonly ownServer?: string } = {}): Promise<TestPostgres> {
  const socket = connectSocket(inject("postgresLeases"));
  const lines = createInterface({ input: socket })[Symbol.asyncIterator]();
  const ask = async <Answer>(request: LeaseRequest): Promise<Answer> => {
    socket.write(`${JSON.stringify(request)}\n`);
    const line = await lines.next();
    if (line.done === true) throw new Error("the test run that lends PostgreSQL is ending");
    return JSON.parse(line.value) as Answer;
  };
  const lease = await ask<LeaseAnswer>(options.ownServer === undefined ? "shared" : "own");
  if ("failure" in lease) throw new Error(lease.failure);
  const { port, passwords } = lease;
  const clients: Client[] = [];
  let stopped = false;
  return {
    host: "127.0.0.1",
    port,
    database: "directus",
    passwords,
    connect: async (role, { database = "directus" } = {}) => {
      const client = await connectTo({ port, database, user: role, password: passwords[role] });
      clients.push(client);
      return client;
    },
    stop: async () => {
      if (stopped) return;
      stopped = true;
      await Promise.allSettled(clients.map((client) => client.end()));
      const { changed } = await ask<EndAnswer>("end");
      socket.end();
      assert.deepEqual(changed, [], "this file changed what holds for a whole server: it needs its own (startPostgres({ ownServer }))");
    },
  };
}
