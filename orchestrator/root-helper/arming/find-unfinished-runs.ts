// The other unfinished live runs of this host, from the journals themselves: named when a run is armed, so that nobody forgets them.
import { toWholeLines } from "../../core/journal/chain.ts";
import { revertJournalName } from "../../core/revert/files.ts";
import { toUnfinishedRuns } from "../../core/run/unfinished-runs.ts";
import type { Files } from "../../ports/files.ts";

/** Run ids; one whose journal cannot be read counts. */
export async function findUnfinishedRuns(
  files: Pick<Files, "read" | "list">,
  sidecarRoot: string,
  except: string,
): Promise<readonly string[]> {
  const unfinished: string[] = [];
  for (const runId of (await files.list(sidecarRoot)) ?? []) {
    if (runId === except) continue;
    const outputs = await listOutputs(files, `${sidecarRoot}/${runId}/outputs`); // first: the journal goes ahead of them
    const journal = await readLines(files, `${sidecarRoot}/${runId}/journal.jsonl`);
    const revertJournal = await readLines(files, `${sidecarRoot}/${runId}/${revertJournalName}`);
    unfinished.push(...toUnfinishedRuns([{ runId, journal, revertJournal, outputs }])); // one run at a time: journals may be large
  }
  return unfinished;
}

async function listOutputs(files: Pick<Files, "list">, path: string): Promise<readonly string[]> {
  try {
    return (await files.list(path)) ?? [];
  } catch {
    return []; // no folder: then the journal alone tells
  }
}

async function readLines(files: Pick<Files, "read">, path: string): Promise<readonly string[]> {
  try {
    return toWholeLines((await files.read(path)) ?? new Uint8Array());
  } catch {
    return ["cannot be read"]; // no record, so it counts as a write
  }
}
