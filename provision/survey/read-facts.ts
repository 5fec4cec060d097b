// The operator's survey: the host's facts over the pinned connection, and the database's through the stack's own way to psql. Reads only.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  databaseSurveyFiles,
  psqlOptions,
  toDatabaseSurvey,
  type DatabaseSurvey,
} from "../../orchestrator/core/database/survey-session.ts";
import { CutterError } from "../../orchestrator/core/errors.ts";
import { readSurveyedConfig } from "../../orchestrator/core/gaps/state.ts";
import { parseHostFacts, type HostFacts } from "../../orchestrator/core/host/facts.ts";
import { idleLine } from "../../orchestrator/core/run/unfinished-runs.ts";
import { findCheckout } from "../checkout.ts";
import type { RemoteHost } from "../host/connection.ts";

const hostTimeoutMs = 90_000;
const databaseTimeoutMs = 45_000;

/**
 * Works before `pulumi up`: nothing of ours needs to be on the host. A database that does not answer is a fact.
 * @throws SURVEY_FACTS_UNREADABLE, SURVEY_FACTS_INVALID
 */
export async function readSurveyFacts(host: RemoteHost, psql: readonly string[]): Promise<HostFacts> {
  const checkout = findCheckout();
  const outcome = await host.run(readFileSync(join(checkout, "orchestrator/root-helper/survey/host-facts.sh"), "utf8"), [idleLine], {
    timeoutMs: hostTimeoutMs,
  });
  if (outcome.code !== 0)
    throw new CutterError("SURVEY_FACTS_UNREADABLE", { host: host.address.name, exit_code: outcome.code ?? "unknown" });
  const questions = toQuestions(checkout, outcome.stdout);
  return parseHostFacts(outcome.stdout + (await readDatabaseLines(host, psql, questions)));
}

function toQuestions(checkout: string, facts: string): DatabaseSurvey {
  const read = (name: keyof typeof databaseSurveyFiles): string => readFileSync(join(checkout, "sql", databaseSurveyFiles[name]), "utf8");
  return toDatabaseSurvey(
    { facts: read("facts"), contract: read("contract"), catalogue: read("catalogue"), matrix: read("matrix") },
    readSurveyedConfig(parseHostFacts(facts)),
  );
}

/** The SQL goes in on stdin: a file on this side is not seen on that one, and nested quoting breaks silently. */
async function readDatabaseLines(host: RemoteHost, psql: readonly string[], questions: DatabaseSurvey): Promise<string> {
  const answer = await host.run('exec "$@"', [...psql, ...psqlOptions], {
    timeoutMs: databaseTimeoutMs,
    stdin: Buffer.from(questions.script),
  });
  if (answer.code === 0) return questions.toFactLines(answer.stdout);
  return `database_problem\tpsql ended with ${answer.code === null ? "no answer in time" : `exit code ${answer.code}`}\n`;
}
