// The one loop: census, then each phase and its gate, then the closing. What is done already is not repeated.
import type { Attempt } from "./kernel/attempt.ts";
import { closeRun } from "./close-run.ts";
import { requireApproved } from "./live/perform.ts";
import { requireStillApplied } from "./live/still-applied.ts";
import { passPhaseGate } from "./pass-gate.ts";
import { performPhase } from "./perform-phase.ts";

export async function loop(attempt: Attempt): Promise<void> {
  const { run, journal, outputs } = attempt;
  if (journal.status().before === null) await takeCensusBefore(attempt);
  for (const [index, phase] of run.phases.entries()) {
    const number = index + 1;
    const done = journal.status().done[index];
    const reusable = done !== undefined ? phase.toResult(outputs.get(phase.name)) : null;
    if (reusable !== null && run.facts.mode === "live") {
      requireApproved(attempt, phase.name, reusable);
      await requireStillApplied(attempt, phase);
    }
    const result = reusable ?? (await performPhase(attempt, phase, number));
    if (journal.status().done[index]?.receipt === null) await passPhaseGate(attempt, phase, result);
  }
  await closeRun(attempt);
}

/** The counts and digests every later claim is measured against: taken once, before the first phase of the first start. */
async function takeCensusBefore({ journal, ports }: Attempt): Promise<void> {
  const server = await ports.database.readServerFacts();
  const tables = await ports.database.readTableCensus();
  await journal.append({
    kind: "census_before",
    system_identifier: server.systemIdentifier,
    counters: { reset_at: server.statisticsResetAt, counted: server.countsTracked },
    tables: tables.map((table) => ({ ...table })),
  });
}
