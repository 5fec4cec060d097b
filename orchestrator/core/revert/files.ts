// What a revert leaves in revert/ of its run's folder, by name. Pure.

export const revertFolderName = "revert/";
export const revertJournalName = "revert/journal.jsonl";

/** The approval of one start with its signature, and the runbook that it was to run, by the digests the journal records. */
export function toRevertFileNames(of: { readonly approvalSha256: string; readonly runbookSha256: string }): {
  readonly approval: string;
  readonly signature: string;
  readonly runbook: string;
} {
  const approval = `revert/approval-${of.approvalSha256.slice(0, 12)}.md`;
  return { approval, signature: `${approval}.asc`, runbook: `revert/rollback_runbook-${of.runbookSha256.slice(0, 12)}.sql` };
}
