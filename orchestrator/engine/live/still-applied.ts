// What an earlier start did must still stand before this one goes on: the journal alone is not believed, and a run that was reverted
// meanwhile writes nothing more.
import { z } from "zod";
import { CutterError } from "../../core/errors.ts";
import { isWriteStep } from "../../core/journal/effect.ts";
import type { Phase } from "../../phases/define.ts";
import type { Attempt } from "../kernel/attempt.ts";
import { toHistory, toReadPorts } from "../kernel/phase-ports.ts";
import { reconcileStep } from "./apply-once.ts";

/**
 * Asks the database after the rows of a phase that is done, and before the cut the disk after the backup.
 * @throws STOP_REPLAY_CONFLICT, RUN_FILE_DAMAGED, DATABASE_*
 */
export async function requireStillApplied(attempt: Attempt, { name, live }: Phase): Promise<void> {
  const { run, outputs, journal } = attempt;
  if (name === "pre_write_backup" && journal.status().effects.cut_leg_a.state !== "done") await requireBackup(attempt);
  if (live === null || !isWriteStep(name)) return;
  await reconcileStep(attempt, {
    step: name,
    expectedSha256: live.expectedSha256(run.facts, toHistory(attempt), outputs),
    probe: () => live.probe(toReadPorts(attempt), outputs),
  });
  if (name === "cut_leg_a") await refuseRetiredUnits(attempt);
}

const backupOutput = z.looseObject({ proven: z.looseObject({ file: z.string(), ciphertextSha256: z.string() }) });

/**
 * No proof, no write: it was proven by an earlier start, and these must still be the bytes. What comes after the cut needs no backup to go
 * on.
 */
async function requireBackup({ outputs, ports }: Attempt): Promise<void> {
  const { file, ciphertextSha256 } = backupOutput.parse(outputs.get("pre_write_backup")).proven;
  const foundSha256 = await ports.files.sha256(file);
  if (foundSha256 !== ciphertextSha256)
    throw new CutterError("RUN_FILE_DAMAGED", { file, expected_sha256: ciphertextSha256, found_sha256: foundSha256 });
}

/** Retired units keep their rows, so that the layers of leg A still agree; only their state tells of the revert. */
async function refuseRetiredUnits({ run, ports, journal }: Attempt): Promise<void> {
  const { documentId, runId } = run.facts;
  const units = await ports.recorders.readUnits(documentId, runId);
  const retired = units.filter(({ lifecycleState }) => lifecycleState === "retired");
  if (retired.length === 0) return;
  const { state, sha256 } = journal.status().effects.cut_leg_a;
  const found = `retired(${String(retired.length)} of ${String(units.length)})`;
  throw new CutterError("STOP_REPLAY_CONFLICT", {
    step: "cut_leg_a",
    journal: `${state}(${sha256 ?? "no digest"})`,
    unique: found,
    recorder: found,
    expected_sha256: sha256,
  });
}
