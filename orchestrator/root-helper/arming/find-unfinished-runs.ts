// Other live runs of this host that have begun and not ended: named when a run is armed, so that nobody forgets them.
import { readChain } from "../../core/journal/chain.ts";
import { toStatus } from "../../core/journal/status.ts";
import { dryRunSuffix } from "../../core/run-id.ts";
import type { Files } from "../../ports/files.ts";

/** Run ids; one whose journal cannot be read counts. Dry runs write nothing and do not. */
export async function findUnfinishedRuns(
  files: Pick<Files, "read" | "list">,
  sidecarRoot: string,
  except: string,
): Promise<readonly string[]> {
  const names = ((await files.list(sidecarRoot)) ?? []).filter((name) => name !== except && !name.endsWith(dryRunSuffix));
  const unfinished: string[] = [];
  for (const name of names) if (await isUnfinishedRun(files, `${sidecarRoot}/${name}/journal.jsonl`)) unfinished.push(name);
  return unfinished;
}

async function isUnfinishedRun(files: Pick<Files, "read">, journal: string): Promise<boolean> {
  try {
    const status = toStatus(readChain((await files.read(journal)) ?? new Uint8Array(), journal).records);
    return status.started?.mode === "live" && status.finished === null;
  } catch {
    return true;
  }
}
