// What a finished run leaves for people: its report, the audit bundle, and last of all the digests of every file.
import { bundleName, toBundle } from "../../evidence/bundle.ts";
import { renderText } from "../../core/page/text.ts";
import { toRunPage } from "../../core/report/report.ts";
import type { RunOutcome } from "../../core/run/outcome.ts";
import type { Phase } from "../../phases/define.ts";
import type { Files } from "../../ports/files.ts";
import { checksumListName, writeChecksumList } from "../../evidence/checksum-list.ts";
import { readAccount } from "./read-account.ts";
import { readRunFolder } from "./read-run.ts";
import type { RunFolder } from "../kernel/run-folder.ts";

/**
 * Made from the folder alone, so that whoever was interrupted here makes the same again. Call it once journal and outcome have their last
 * word; nothing but a revert's own sub-folder may be written afterwards. @throws RUN_FILE_DAMAGED, JOURNAL_*
 */
export async function writeRecords(files: Files, folder: RunFolder, runId: string, phases: readonly Phase[]): Promise<void> {
  const account = await readAccount(files, await readRunFolder(files, folder, runId), phases);
  await folder.write("report.txt", renderText(toRunPage(account, null)));
  await files.writeAtomic(`${folder.path}/${bundleName}`, await toBundle(files, folder.path), 0o600);
  await writeChecksumList(files, folder.path);
}

/**
 * For a run that is done and was cut off before its records stood: leaves them now, its outcome first. Those that stand are left alone,
 * right or wrong.
 */
export async function ensureRecords(files: Files, folder: RunFolder, outcome: RunOutcome, phases: readonly Phase[]): Promise<void> {
  if ((await files.facts(`${folder.path}/${checksumListName}`)) !== null) return;
  await folder.write("outcome.json", toOutcomeFile(outcome));
  await writeRecords(files, folder, outcome.run_id, phases);
}

/** The bytes of outcome.json. Pure. */
export function toOutcomeFile(outcome: RunOutcome): string {
  return `${JSON.stringify(outcome, null, 1)}\n`;
}
