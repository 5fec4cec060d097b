// PostgreSQL of the replica: a Docker container named postgres, its cluster made fresh for each sandbox, then roles, databases, substrate
// and neighbours.
import { readFileSync, readdirSync } from "node:fs";
import { CutterError } from "../../../orchestrator/core/errors.ts";
import type { SandboxSecrets } from "./env-files.ts";
import { type PostgresSource, toPostgresImage } from "../image/recipe.ts";
import type { Inside } from "../machine/nspawn.ts";
import { pollUntil } from "../base/progress.ts";

const dataDirectory = "/var/lib/postgresql/data";
const volume = ["-v", `postgres-data:${dataDirectory}`];
const readyLimitMs = 30_000;

/**
 * Makes the cluster in its volume and starts the container, published on loopback only, started again by Docker whenever the host boots.
 */
export async function startPostgres(inside: Inside, source: PostgresSource, secrets: SandboxSecrets): Promise<void> {
  const image = toPostgresImage(source);
  const script = [
    `initdb -D ${dataDirectory} -U workflow_admin --auth-local=trust --auth-host=scram-sha-256 --locale=C.UTF-8 -E UTF8 ` +
      "--no-sync --pwfile=/dev/stdin",
    `echo 'host all all all scram-sha-256' >> ${dataDirectory}/pg_hba.conf`, // clients of the host arrive from the bridge's address
  ].join(" && ");
  await inside.mustRun("initdb", ["docker", "run", "--rm", "-i", ...volume, "--entrypoint", "/bin/sh", image, "-c", script], {
    input: `${secrets.admin}\n`,
  });
  // SIGINT is PostgreSQL's fast shutdown: open sessions are ended, nothing is lost.
  await inside.mustRun("docker run postgres", [
    "docker",
    "run",
    "--detach",
    "--name",
    "postgres",
    "--restart",
    "always",
    "--stop-signal",
    "SIGINT",
    ...volume,
    "--shm-size",
    "128m",
    "--publish",
    "127.0.0.1:5432:5432",
    image,
    "-c",
    "listen_addresses=*",
  ]);
  if (!(await waitForPostgres(inside)))
    throw new CutterError("SANDBOX_STEP_FAILED", { reason: "not_ready", what: "PostgreSQL", limit_ms: readyLimitMs });
}

/** True once the server answers (at first start and after each boot). */
export function waitForPostgres(inside: Inside): Promise<boolean> {
  return pollUntil(
    readyLimitMs,
    100,
    async () => (await inside.run(psql("workflow_admin", "template1"), { input: "select 1;\n", timeoutMs: 5_000 })).code === 0,
  );
}

/** Roles and databases of the host, then sql/substrate in the order of its numbers, then rows of the business that nobody may change. */
export async function fillDatabase(inside: Inside, secrets: SandboxSecrets, substrateDirectory: string): Promise<void> {
  await inside.mustRun("roles and databases", psql("workflow_admin", "template1"), {
    input:
      toSetLines({ agent_data_password: secrets.agentData, directus_password: secrets.business }) +
      readFileSync(new URL("../sql/cluster.sql", import.meta.url), "utf8"),
  });
  const files = readdirSync(substrateDirectory)
    .filter((name) => name.endsWith(".sql"))
    .sort();
  if (files.length === 0)
    throw new CutterError("SANDBOX_STEP_FAILED", { step: "substrate", said: `no .sql file in ${substrateDirectory}` });
  const passwords = toSetLines({
    cutter_exec_password: secrets.cutterExec,
    cutter_verify_password: secrets.cutterVerify,
    context_pack_readonly_password: secrets.contextPackReadonly,
    directus_secdef_password: secrets.directusSecdef,
    cutter_revert_password: secrets.cutterRevert,
  });
  const substrate = files.map((name) => readFileSync(`${substrateDirectory}/${name}`, "utf8")).join("\n");
  await inside.mustRun("substrate", psql("workflow_admin", "directus"), { input: passwords + substrate });
  await inside.mustRun("scratch database", psql("directus", "cutter_scratch"), {
    input: readFileSync(`${substrateDirectory}/../scratch/prepare.sql`, "utf8"),
  });
  await inside.mustRun("rows of the business", psql("workflow_admin", "directus"), {
    input: readFileSync(new URL("../sql/business.sql", import.meta.url), "utf8"),
  });
}

/** Production's own way to SQL: psql inside the container, text on stdin, any error ends it. */
export function psql(login: string, database: string): readonly string[] {
  return ["docker", "exec", "-i", "postgres", "psql", "-X", "-q", "-t", "-A", "-v", "ON_ERROR_STOP=1", "-U", login, "-d", database];
}

/** Values as psql variables: they travel on stdin, because an argument is visible to every process. */
export function toSetLines(values: Readonly<Record<string, string>>): string {
  return Object.entries(values)
    .map(([name, value]) => `\\set ${name} '${value.replaceAll("\\", "\\\\").replaceAll("'", "''").replaceAll("\n", "\\n")}'\n`)
    .join("");
}
