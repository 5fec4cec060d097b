// One effect, exactly once: ask the database, judge the three layers, do it if nothing landed, and never guess what a lost COMMIT came to.
import { toReplayAction, toConflict, type ThreeLayers } from "../../core/run/exactly-once.ts";
import type { Layers, WriteStep } from "../../core/journal/effect.ts";
import { CutterError } from "../../core/errors.ts";
import type { WritePermission } from "../../ports/permission.ts";
import { permitStep } from "./permission.ts";
import { toUnrecordedError, type Attempt } from "../kernel/attempt.ts";

export interface EffectOnce {
  readonly step: WriteStep;
  readonly expectedSha256: string;
  /** Reads what stands, after waiting for the document's transaction lock: an orphan of an earlier start has ended by then. */
  probe(): Promise<Layers>;
  /** Looks and judges, with nothing intended yet; gives what does it. */
  prepare(): Promise<(permission: WritePermission) => Promise<void>>;
}

/** A COMMIT without an answer whose effect is certainly absent is tried once more, not for ever. */
const triesMax = 2;

/** @throws STOP_REPLAY_CONFLICT, COMMIT_UNKNOWN, EXECUTION_REVOKED, APPROVAL_*, and what probe, prepare and apply throw */
export async function applyEffectOnce(attempt: Attempt, effect: EffectOnce): Promise<void> {
  const { journal, checkpoints } = attempt;
  const { step, expectedSha256 } = effect;
  for (let tries = 1; ; tries += 1) {
    if (await reconcileStep(attempt, effect)) return;
    const apply = await effect.prepare();
    await journal.append({ kind: "effect_intended", step, effect_sha256: expectedSha256 });
    checkpoints.passBoundary("effect_intended", step);
    const permission = await permitStep(attempt, step);
    checkpoints.passBoundary("permission_made", step);
    const landed = await apply(permission).then(
      () => "committed" as const,
      (error: unknown) => afterFailure(attempt, effect, error),
    );
    if (landed === "settled") return;
    if (landed === "committed") {
      checkpoints.passBoundary("effect_applied", step);
      await journal.append({ kind: "effect_done", step, effect_sha256: expectedSha256, found: "committed" });
      checkpoints.passBoundary("effect_recorded", step);
      return;
    }
    if (tries === triesMax)
      throw new CutterError("DATABASE_UNREACHABLE", {
        step,
        problem: "COMMIT was answered neither time; the recorder shows that nothing landed",
        tries,
      });
  }
}

/** Everything but a lost answer was rolled back, by the port's promise. */
async function afterFailure(attempt: Attempt, effect: EffectOnce, error: unknown): Promise<"settled" | "absent"> {
  const { journal } = attempt;
  if (!(error instanceof CutterError)) throw error;
  if (error.code !== "COMMIT_OUTCOME_UNKNOWN") {
    if (!error.code.startsWith("JOURNAL_"))
      await journal.append({ kind: "effect_rolled_back", step: effect.step, why: error.code }).catch((failure: unknown) => {
        throw toUnrecordedError(error, failure);
      });
    throw error;
  }
  return (await resolveUnknownCommit(attempt, effect, error)) ? "settled" : "absent";
}

/**
 * What the three layers say of this step, put on record. True: it stands, and nothing is to be done. False: nothing of it stands,
 * certainly.
 * @throws STOP_REPLAY_CONFLICT, COMMIT_UNKNOWN while a transaction of ours is still in progress
 */
export async function reconcileStep(
  attempt: Attempt,
  { step, expectedSha256, probe }: Pick<EffectOnce, "step" | "expectedSha256" | "probe">,
): Promise<boolean> {
  const { journal, ports } = attempt;
  const layers: ThreeLayers = { ...(await probe()), journal: journal.status().effects[step], expectedSha256 };
  const action = toReplayAction(layers);
  const { pending, transactions } = journal.status().effects[step];
  const transaction = transactions.at(-1);
  if (action === "conflict") throw toConflict(step, layers, transaction === undefined ? {} : { transaction });
  if (action === "no_op") return true;
  if (action === "taken_as_done") {
    await journal.append({ kind: "effect_done", step, effect_sha256: expectedSha256, found: "already_there" });
    ports.reporter.report({
      kind: "warning",
      code: "EFFECT_TAKEN_AS_DONE",
      text: `${step} was intended and stands in the database exactly so: taken as done, not repeated`,
    });
    attempt.checkpoints.passBoundary("effect_recorded", step);
    return true;
  }
  if (!pending || transaction === undefined) return false;
  const status = await ports.recorders.readTransactionStatus(transaction);
  if (status === "committed") throw toConflict(step, layers, { transaction, pg_xact_status: status });
  if (status === "in progress") throw new CutterError("COMMIT_UNKNOWN", { step, transaction, pg_xact_status: status });
  await journal.append({ kind: "effect_rolled_back", step, why: "nothing of it stands" });
  return false;
}

const pausesMs = [1_000, 2_000, 5_000, 10_000, 20_000] as const;

/** Asks until the database answers, a bounded number of times. @throws COMMIT_UNKNOWN, STOP_REPLAY_CONFLICT */
async function resolveUnknownCommit(attempt: Attempt, effect: EffectOnce, cause: CutterError): Promise<boolean> {
  const { ports, run, journal } = attempt;
  for (const pauseMs of [...pausesMs, null]) {
    try {
      return await reconcileStep(attempt, effect);
    } catch (error) {
      if (!(error instanceof CutterError) || error.code === "STOP_REPLAY_CONFLICT" || isOfJournal(error)) throw error;
    }
    const goOn =
      pauseMs !== null &&
      (await ports.clock.wait(pauseMs, run.signal).then(
        () => true,
        () => false,
      ));
    if (!goOn) break;
  }
  const transaction = journal.status().effects[effect.step].transactions.at(-1) ?? null;
  const status = transaction === null ? "unknown" : await ports.recorders.readTransactionStatus(transaction).catch(() => "unknown");
  throw new CutterError("COMMIT_UNKNOWN", { step: effect.step, transaction, pg_xact_status: status }, { cause });
}

/** Nothing more can be recorded: asking again would not help. */
function isOfJournal({ code }: CutterError): boolean {
  return code.startsWith("JOURNAL_") || code === "DISK_FULL";
}
