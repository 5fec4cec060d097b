// The account of a run from its folder: journal and outputs, each output compared with the digest the journal recorded. Reads only.
import { toAccount, type RecordedPhaseText, type RunAccount } from "../../core/report/account.ts";
import { readChain } from "../../core/journal/chain.ts";
import type { Phase } from "../../phases/define.ts";
import type { Files } from "../../ports/files.ts";
import type { RecordedRun } from "./read-run.ts";
import type { PhaseName } from "../../core/phase-names.ts";

/** `phases` tell what their outputs mean; one that is not among them is told without words. @throws RUN_FILE_DAMAGED, JOURNAL_* */
export async function readAccount(files: Files, run: Omit<RecordedRun, "revert">, phases: readonly Phase[]): Promise<RunAccount> {
  const { records } = readChain((await files.read(run.folder.journalPath)) ?? new Uint8Array(), run.folder.journalPath);
  const outputs = new Map<PhaseName, unknown>();
  const texts: RecordedPhaseText[] = [];
  for (const done of run.status.done) {
    const output = await run.folder.readOutput(done.number, done.phase, done.outputSha256);
    outputs.set(done.phase, output);
    const phase = phases.find((candidate) => candidate.name === done.phase);
    if (phase !== undefined) texts.push({ phase: done.phase, text: phase.toResult(output).text });
  }
  return toAccount({
    runId: run.runId,
    records,
    status: run.status,
    outputs,
    texts,
    approvalDocuments: await readApprovalDocuments(files, `${run.folder.path}/approvals`),
  });
}

async function readApprovalDocuments(files: Files, folder: string): Promise<readonly Uint8Array[]> {
  const documents: Uint8Array[] = [];
  for (const name of (await files.list(folder)) ?? []) {
    if ((await files.facts(`${folder}/${name}`))?.kind !== "file") continue;
    const bytes = await files.read(`${folder}/${name}`);
    if (bytes !== null) documents.push(bytes);
  }
  return documents;
}
