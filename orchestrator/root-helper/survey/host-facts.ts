// host-facts: what `cutter survey` judges. The script's lines, and the database's answer as one line more. Reads only.
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { toStartupOptions } from "../../core/database/session-settings.ts";
import { databaseSurveyFiles, psqlOptions, toDatabaseSurvey, type DatabaseSurvey } from "../../core/database/survey-session.ts";
import { CutterError } from "../../core/errors.ts";
import { idleLine } from "../../core/run/unfinished-runs.ts";
import type { Secret } from "../../core/host/secret.ts";
import type { EnvName } from "../../core/host/secret-names.ts";
import type { Host } from "../files/host.ts";
import { writePasswordFile } from "../dump/password-file.ts";
import { readConfig, readEnvValues } from "../files/settings.ts";

const factsDeadlineMs = 60_000;
const databaseDeadlineMs = 30_000;
const environment = { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", HOME: "/nonexistent", LC_ALL: "C" };

/**
 * `here` is the folder of this program: bin/ of a release, or orchestrator/root.
 * @throws SURVEY_FACTS_UNREADABLE when the script itself fails; a database that does not answer is a fact.
 */
export async function printHostFacts(host: Host, here: string): Promise<number> {
  process.stdout.write(await readHostFactsText(host, here));
  return 0;
}

/** The same as text, for root's own judging. @throws as `printHostFacts` */
export async function readHostFactsText(host: Host, here: string): Promise<string> {
  const facts = await run("sh", [join(here, "host-facts.sh"), idleLine], { env: environment, stdin: "", deadlineMs: factsDeadlineMs });
  if (facts.code !== 0) throw new CutterError("SURVEY_FACTS_UNREADABLE", { step: "host-facts.sh", exit_code: facts.code });
  return facts.stdout + (await readDatabaseLines(host, here));
}

async function readDatabaseLines(host: Host, here: string): Promise<string> {
  try {
    const survey = toSurveyQuestions(host, here);
    const { file, args, env, done } = toPsql(host);
    try {
      const answer = await run(file, args, { env, stdin: survey.script, deadlineMs: databaseDeadlineMs });
      return answer.code === 0 ? survey.toFactLines(answer.stdout) : `database_problem\tpsql ended with exit code ${answer.code}\n`;
    } finally {
      done();
    }
  } catch (error) {
    return `database_problem\t${error instanceof CutterError ? error.code : "psql did not start"}\n`;
  }
}

/** The SQL lies beside bin/ in a release, two folders up in a checkout. */
function toSurveyQuestions(host: Host, here: string): DatabaseSurvey {
  const root = [join(here, "../sql"), join(here, "../../sql")].find((place) => existsSync(join(place, databaseSurveyFiles.facts)));
  if (root === undefined) throw new CutterError("HOST_FILE_MISSING", { file: databaseSurveyFiles.facts });
  const read = (name: keyof typeof databaseSurveyFiles): string => readFileSync(join(root, databaseSurveyFiles[name]), "utf8");
  return toDatabaseSurvey(
    { facts: read("facts"), contract: read("contract"), catalogue: read("catalogue"), matrix: read("matrix") },
    readConfig(host),
  );
}

interface Psql {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly done: () => void;
}

/** By the way config names. Our settings twice, read-only among them: as the session's options, and in the SQL itself. */
function toPsql(host: Host): Psql {
  const config = readConfig(host);
  const { postgres_access: access } = config;
  const options = toStartupOptions({ since17: false, writing: false });
  if (access.kind === "docker") {
    const database = valueOf(readEnvValues(host, ["DOT_CUTTER_DB_NAME"], config), "DOT_CUTTER_DB_NAME");
    const args = ["exec", "-i", "-e", `PGOPTIONS=${options}`, access.container, "psql", ...psqlOptions, "-U", access.user, "-d", database];
    return { file: "docker", args, env: environment, done: () => undefined };
  }
  const names = [
    "DOT_CUTTER_DB_HOST",
    "DOT_CUTTER_DB_PORT",
    "DOT_CUTTER_DB_NAME",
    "DOT_CUTTER_DB_SSLMODE",
    "DOT_CUTTER_READONLY_DB_USER",
    "DOT_CUTTER_READONLY_DB_PASSWORD",
  ] as const;
  const values = readEnvValues(host, names, config);
  const passwordFile = writePasswordFile(
    host,
    valueOf(values, "DOT_CUTTER_READONLY_DB_USER"),
    secretOf(values, "DOT_CUTTER_READONLY_DB_PASSWORD"),
  );
  return {
    file: `${access.bin_dir}/psql`,
    args: [
      ...psqlOptions,
      "-h",
      valueOf(values, "DOT_CUTTER_DB_HOST"),
      "-p",
      valueOf(values, "DOT_CUTTER_DB_PORT"),
      "-U",
      valueOf(values, "DOT_CUTTER_READONLY_DB_USER"),
      "-d",
      valueOf(values, "DOT_CUTTER_DB_NAME"),
    ],
    env: { ...environment, PGOPTIONS: options, PGPASSFILE: passwordFile.path, PGSSLMODE: valueOf(values, "DOT_CUTTER_DB_SSLMODE") },
    done: passwordFile.remove,
  };
}

function secretOf(values: ReadonlyMap<EnvName, Secret>, name: EnvName): Secret {
  const value = values.get(name);
  if (value === undefined) throw new CutterError("ENV_NAME_MISSING", { name });
  return value;
}

/** Of names that are not secret. */
function valueOf(values: ReadonlyMap<EnvName, Secret>, name: EnvName): string {
  return secretOf(values, name).reveal();
}

interface RunOptions {
  readonly env: Readonly<Record<string, string>>;
  readonly stdin: string;
  readonly deadlineMs: number;
}

function run(
  file: string,
  args: readonly string[],
  { env, stdin, deadlineMs }: RunOptions,
): Promise<{ readonly code: number; readonly stdout: string }> {
  return new Promise((done, fail) => {
    const child = spawn(file, args, { env, stdio: ["pipe", "pipe", "ignore"], timeout: deadlineMs });
    let stdout = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    child.stdin.on("error", () => undefined); // a program that ends early closes its input: its exit code tells why
    child.once("error", fail);
    child.once("close", (code) => done({ code: code ?? 255, stdout }));
    child.stdin.end(stdin);
  });
}
