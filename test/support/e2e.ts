// What the tests on the booted sandbox share: the commands a person would type, and a look at the world from outside the orchestrator.
import { spawn } from "node:child_process";
import { resolve } from "node:path";
import { setTimeout } from "node:timers/promises";
import { queryInSandbox, runInSandbox } from "../../provision/sandbox/commands/ssh.ts";

export const checkout = resolve(import.meta.dirname, "../..");

export interface Ended {
  readonly code: number;
  readonly output: string; // stdout and stderr as they came
}

/** One command in the checkout, as a person would type it. Never throws for a non-zero exit. */
export function run(argv: readonly string[], deadlineMs = 240_000): Promise<Ended> {
  const [command = "", ...args] = argv;
  return new Promise((done, fail) => {
    const child = spawn(command, args, { cwd: checkout, stdio: ["ignore", "pipe", "pipe"], timeout: deadlineMs, killSignal: "SIGKILL" });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text: string) => (output += text));
    child.on("error", fail);
    child.on("close", (code) => done({ code: code ?? 70, output }));
  });
}

export const npm = (script: string, ...args: readonly string[]) => run(["npm", "run", "--silent", script, "--", ...args]);

/** A shell command on the sandbox host, as root. */
export const onHost = (commandLine: string, input?: string) => runInSandbox(checkout, commandLine, input === undefined ? {} : { input });

/** SQL by production's own path, as the cluster's admin. */
export const sql = (text: string, database = "directus") => queryInSandbox(checkout, text, "workflow_admin", database);

/** Polls the world until `look` finds it; the test's own time limit is the bound. */
export async function until<T>(look: () => Promise<T | null>): Promise<T> {
  for (;;) {
    const found = await look();
    if (found !== null) return found;
    await setTimeout(20); // a look that needs no I/O would keep the processor and everything else waiting
  }
}

/** Count and digest of every ordinary table of the database, measured without the orchestrator: table → "count sha". */
export async function readCensus(): Promise<Readonly<Record<string, string>>> {
  const tables = (
    await sql(
      "select format('%I.%I', schemaname, tablename) from pg_tables where schemaname not in ('pg_catalog', " +
        "'information_schema') order by 1",
    )
  ).split("\n");
  const selects = tables.map(
    (table) =>
      `select '${table}=' || count(*) || ' ' || coalesce(encode(sha256(convert_to(string_agg(t::text, E'\\n' order by ` +
      `t::text), 'UTF8')), 'hex'), '-') from ${table} t`,
  );
  return Object.fromEntries((await sql(selects.join("\nunion all\n"))).split("\n").map((line) => line.split("=") as [string, string]));
}
