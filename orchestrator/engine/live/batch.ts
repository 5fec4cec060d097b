// A batched SG_2: one document for several runs. It is kept as <sha256>.json with the state of each entry, so that a person sees what of it
// has been used. Nothing is decided by it.
import { z } from "zod";
import { toApprovedDecisions } from "../../core/approval/schema.ts";
import type { VerifiedApproval } from "../../core/approval/verify.ts";
import { tryParseJson } from "../../core/encoding/try-parse-json.ts";
import { CutterError } from "../../core/errors.ts";
import type { Attempt } from "../kernel/attempt.ts";

const states = ["open", "recorded", "enacted"] as const;
type EntryState = (typeof states)[number];

const batchSchema = z.strictObject({
  schema: z.literal("cutter.batch/1"),
  approval_sha256: z.string(),
  entries: z.array(
    z.strictObject({
      run_id: z.string(),
      document_id: z.string(),
      phase: z.string(),
      payload_sha: z.string(),
      review_decision_id: z.string(),
      state: z.enum(states),
      at: z.string().nullable(),
    }),
  ),
});
type Batch = z.infer<typeof batchSchema>;

/** Puts the batch there if it is one and stands nowhere yet. */
export async function storeBatch(attempt: Attempt, verified: VerifiedApproval): Promise<void> {
  const decisions = toApprovedDecisions(verified.approval);
  if (decisions.length < 2) return;
  const fresh: Batch = {
    schema: "cutter.batch/1",
    approval_sha256: verified.documentSha256,
    entries: decisions.map((decision) => ({ ...decision, state: "open", at: null })),
  };
  await updateBatch(attempt, verified.documentSha256, (current) => current ?? fresh);
}

/** Moves this run's entry on; a run without a batch has none. May be repeated. */
export async function advanceBatchEntry(attempt: Attempt, gate: "SG_1" | "SG_2", state: EntryState): Promise<void> {
  const { journal, ports, run } = attempt;
  const sha256 = journal.status().decided[gate]?.document_sha256;
  if (gate !== "SG_2" || sha256 === undefined) return;
  await updateBatch(attempt, sha256, (batch) => {
    if (batch === null) return null;
    const entries = batch.entries.map((entry) =>
      entry.run_id !== run.facts.runId || states.indexOf(entry.state) >= states.indexOf(state)
        ? entry
        : { ...entry, state, at: ports.clock.now().toISOString() },
    );
    return { ...batch, entries };
  });
}

const triesMax = 20;
const pauseMs = 500;

/** Runs of one batch come here side by side: one at a time. @throws DOCUMENT_LOCKED when another one does not let go */
async function updateBatch({ ports, run }: Attempt, sha256: string, to: (current: Batch | null) => Batch | null): Promise<void> {
  const path = `${run.facts.config.batch_dir}/${sha256}.json`;
  for (let tries = 1; ; tries += 1) {
    try {
      const lock = await ports.locks.acquire(run.facts.runId, `batch ${sha256}`);
      try {
        const current = parseBatch(await ports.files.read(path));
        const next = to(current);
        if (next !== null && JSON.stringify(next) !== JSON.stringify(current))
          await ports.files.writeAtomic(path, `${JSON.stringify(next, null, 1)}\n`, 0o600);
      } finally {
        await lock.release();
      }
      return;
    } catch (error) {
      if (!(error instanceof CutterError && error.code === "DOCUMENT_LOCKED") || tries === triesMax) throw error;
      await ports.clock.wait(pauseMs, run.signal);
    }
  }
}

/** What is no batch of ours is written anew: it only tells. */
function parseBatch(bytes: Uint8Array | null): Batch | null {
  return batchSchema.safeParse(tryParseJson(bytes)).data ?? null;
}
