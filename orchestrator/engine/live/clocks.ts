// The clocks approvals are judged by must agree: this host's, the database's, and the knowledge base's where it tells one.
import { CutterError } from "../../core/errors.ts";
import type { Attempt } from "../kernel/attempt.ts";

const clockSecondsMax = 60;

/** @throws CLOCKS_DISAGREE, DATABASE_*, KB_* */
export async function requireClocks({ run, ports }: Pick<Attempt, "run" | "ports">): Promise<void> {
  const { database, knowledgeBase, clock } = ports;
  const compare = (name: string, theirs: Date): void => {
    const here = clock.now();
    const seconds = Math.round(Math.abs(theirs.getTime() - here.getTime()) / 1000);
    if (!(seconds <= clockSecondsMax))
      throw new CutterError("CLOCKS_DISAGREE", {
        clock: name,
        says: toText(theirs),
        here: toText(here),
        seconds,
        at_most: clockSecondsMax,
      });
  };
  compare("database", new Date((await database.readServerFacts()).now));
  if (knowledgeBase.readDate === undefined) return;
  await knowledgeBase.read(run.facts.documentId); // its answer brings the clock
  const date = await knowledgeBase.readDate();
  if (date !== null) compare("knowledge base", date);
}

function toText(date: Date): string {
  return Number.isNaN(date.getTime()) ? "no time" : date.toISOString();
}
