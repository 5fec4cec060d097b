// Boots a fresh host root once, without network, and loads the PostgreSQL root into its Docker: an image without any registry.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { pipeline } from "node:stream/promises";
import { CutterError } from "../../../orchestrator/core/errors.ts";
import { killCgroups, removeCgroups, toGroupedArguments } from "../machine/cgroup.ts";
import { Inside, nspawnEnvironment, powerOffSignal, toInsideArguments, toNspawnArguments } from "../machine/nspawn.ts";
import { childEnvironment, mustRun } from "../base/process.ts";
import { pollUntil } from "../base/progress.ts";
import { type PostgresSource, toPostgresImage } from "./recipe.ts";

const bootLimitMs = 60_000;
const powerOffLimitMs = 30_000;
const leftByTheBoot = ["var/lib/docker/engine-id", "var/log/journal", "var/lib/systemd/random-seed", "etc/hostname", "root/.docker"];

/** Afterwards `root` holds the image, is powered off, and identifies no host. @throws SANDBOX_STEP_FAILED. */
export async function loadPostgresImage(root: string, postgresRoot: string, source: PostgresSource): Promise<void> {
  const name = `mk-${process.pid}`;
  const [program = "", ...args] = toGroupedArguments(name, toNspawnArguments(root, name, "private"));
  const host = spawn(program, args, { env: { ...childEnvironment, ...nspawnEnvironment }, stdio: "ignore", detached: true });
  const ended = toExitCode(host);
  try {
    const inside = new Inside(host.pid ?? 0);
    const ready = await pollUntil(
      bootLimitMs,
      200,
      async () => (await inside.isBooted()) && (await inside.run(["docker", "info"])).code === 0,
    );
    if (!ready) throw new CutterError("SANDBOX_STEP_FAILED", { reason: "not_ready", what: "Docker in the image", limit_ms: bootLimitMs });
    await importRoot(inside.leader(), postgresRoot, source);
    process.kill(inside.leader(), powerOffSignal);
    await Promise.race([ended, new Promise((done) => setTimeout(done, powerOffLimitMs).unref())]);
  } finally {
    if (host.exitCode === null && host.signalCode === null) host.kill("SIGKILL");
    await ended;
    killCgroups(name);
    await pollUntil(10_000, 50, async () => removeCgroups(name));
  }
  for (const left of leftByTheBoot) rmSync(`${root}/${left}`, { recursive: true, force: true });
  writeFileSync(`${root}/etc/machine-id`, "");
}

/** tar on the outside, `docker import` on the inside, one pipe between them; both must succeed. */
async function importRoot(leader: number, postgresRoot: string, source: PostgresSource): Promise<void> {
  const binaries = `/usr/lib/postgresql/${source.major}/bin`;
  const changes = [
    "USER postgres",
    `ENV PGDATA=/var/lib/postgresql/data LANG=C.UTF-8 PATH=${binaries}:/usr/bin:/bin`,
    `ENTRYPOINT ["${binaries}/postgres"]`,
  ];
  // The socket's directory is made by Debian's own boot, which a container has not; as a tmpfs it would lose its mode when Docker 20.10
  // starts the container again.
  for (const directory of [`${postgresRoot}/var/lib/postgresql/data`, `${postgresRoot}/run/postgresql`]) {
    mkdirSync(directory, { recursive: true });
    await mustRun("owner of a directory of PostgreSQL", ["chown", "--reference", `${postgresRoot}/var/lib/postgresql`, directory]);
  }
  const excluded = ["./proc/*", "./sys/*", "./dev/*", "./var/cache/*", "./var/lib/apt/lists/*"].map((path) => `--exclude=${path}`);
  const tar = spawn("tar", ["--directory", postgresRoot, "--create", ...excluded, "."], {
    env: childEnvironment,
    stdio: ["ignore", "pipe", "ignore"],
  });
  const [program = "", ...args] = toInsideArguments(leader, [
    "docker",
    "import",
    ...changes.flatMap((change) => ["--change", change]),
    "-",
    toPostgresImage(source),
  ]);
  const docker = spawn(program, args, { env: childEnvironment, stdio: ["pipe", "ignore", "pipe"] });
  const complaints: Buffer[] = [];
  docker.stderr.on("data", (chunk: Buffer) => complaints.push(chunk));
  const codes = Promise.all([toExitCode(tar), toExitCode(docker)]);
  await pipeline(tar.stdout, docker.stdin).catch(() => undefined); // a broken pipe shows in the exit codes
  const [tarCode, dockerCode] = await codes;
  if (tarCode === 0 && dockerCode === 0) return;
  throw new CutterError("SANDBOX_STEP_FAILED", {
    step: "docker import",
    tar_exit_code: tarCode,
    docker_exit_code: dockerCode,
    said: Buffer.concat(complaints).toString("utf8").slice(0, 1000),
  });
}

function toExitCode(child: ChildProcess): Promise<number | null> {
  return new Promise((done, fail) => {
    child.on("error", fail);
    child.on("close", (code) => done(code));
  });
}
