// What a revert leaves for people and auditors: what it was approved by and what it ran, its outcome, a bundle of run and revert, and last
// of all the digests of its files.
import { sha256Hex } from "../../core/encoding/digest.ts";
import type { Facts } from "../../core/errors.ts";
import { revertFolderName, toRevertFileNames } from "../../core/revert/files.ts";
import { bundleName, toBundle } from "../../evidence/bundle.ts";
import { writeChecksumList } from "../../evidence/checksum-list.ts";
import type { Files } from "../../ports/files.ts";
import type { RevertOutcome } from "./outcome.ts";
import type { RevertInputs } from "./verify.ts";

const fileMode = 0o600;

/** Before the journal names them: the very bytes that were judged. May be repeated. */
export async function keepRevertInputs(files: Files, runFolder: string, revert: RevertInputs): Promise<void> {
  const names = toRevertFileNames({ approvalSha256: sha256Hex(revert.approval), runbookSha256: sha256Hex(revert.runbook) });
  await files.writeAtomic(`${runFolder}/${names.approval}`, revert.approval, fileMode);
  await files.writeAtomic(`${runFolder}/${names.signature}`, revert.signature, fileMode);
  await files.writeAtomic(`${runFolder}/${names.runbook}`, revert.runbook, fileMode);
}

/** The run's own bundle and list stay as the run left them: they are evidence of it. */
export async function writeRevertRecords(files: Files, runFolder: string, outcome: RevertOutcome): Promise<void> {
  const folder = `${runFolder}/${revertFolderName}`.replace(/\/$/, "");
  await files.writeAtomic(`${folder}/outcome.json`, `${JSON.stringify(outcome, null, 1)}\n`, fileMode);
  await files.writeAtomic(`${folder}/${bundleName}`, await toBundle(files, runFolder), fileMode);
  await writeChecksumList(files, folder);
}

export function toRecordedFacts(facts: Facts): Record<string, string | number | boolean | null | string[]> {
  return Object.fromEntries(
    Object.entries(facts).map(([name, value]) => [
      name,
      Array.isArray(value) ? [...(value as readonly string[])] : (value as string | number | boolean | null),
    ]),
  );
}
