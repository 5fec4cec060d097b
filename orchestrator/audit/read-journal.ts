// The journal of an audited run: chain, sequence, legality, and whether it goes on to the end of the run.
import { readChain, toLineHash } from "../core/journal/chain.ts";
import type { CutTail, JournalRecord } from "../core/journal/record.ts";
import { toStatus, type RunStatus } from "../core/journal/status.ts";
import { revertJournalName } from "../core/revert/files.ts";
import { CutterError } from "../core/errors.ts";
import { auditFinding, toAuditFinding, type AuditFinding } from "./finding.ts";
import type { RunBundle } from "../evidence/bundle.ts";

export const journalName = "journal.jsonl";

export interface AuditedJournal {
  readonly records: readonly JournalRecord[];
  readonly hashes: readonly string[]; // of each line: the head of the chain after it
  readonly status: RunStatus;
}

/** Null when nothing can be read from it; then the findings say why. */
export function readJournal(material: RunBundle, findings: AuditFinding[]): AuditedJournal | null {
  const bytes = material.files.get(journalName);
  if (bytes === undefined) return fail(findings, auditFinding("file_missing", "absent", { file: journalName }));
  try {
    const { records, torn } = readChain(bytes, journalName);
    const lines = Buffer.from(bytes).toString("utf8").split("\n").slice(0, -1);
    const status = toStatus(records);
    findings.push(...findEnd(material, records, status, torn));
    return { records, hashes: lines.map(toLineHash), status };
  } catch (error) {
    if (!(error instanceof CutterError)) throw error;
    const line = error.facts["line"];
    const seq = error.facts["seq"];
    if (error.code === "JOURNAL_DAMAGED" && error.facts["reason"] === "illegal_record")
      return fail(
        findings,
        toAuditFinding("journal_illegal", error, { file: journalName, ...(typeof seq === "number" ? { record: seq } : {}) }),
      );
    return fail(
      findings,
      toAuditFinding("chain_broken", error, { file: journalName, ...(typeof line === "number" ? { record: line - 1 } : {}) }),
    );
  }
}

function fail(findings: AuditFinding[], found: AuditFinding): null {
  findings.push(found);
  return null;
}

/**
 * A chain does not see a cut tail. A bundle is made of a run that has ended or was taken back, so its journal has an end. A run that goes
 * on may have a line that was cut off in its own append: its next start takes that back, on record, and the phases' documents witness that
 * no record is lost.
 */
function findEnd(
  { origin, files }: RunBundle,
  records: readonly JournalRecord[],
  status: RunStatus,
  torn: CutTail | null,
): readonly AuditFinding[] {
  if ((origin === "folder" || isReverted(files)) && status.finished === null && status.voided === null) return []; // a run that goes on
  const last = records.length - 1;
  if (torn !== null)
    return [auditFinding("tail_cut", "the last line has no end", { file: journalName, record: last, facts: { bytes: torn.bytes } })];
  if (status.finished === null && status.voided === null)
    return [auditFinding("tail_cut", "no record says that the run was finished or given up", { file: journalName, record: last })];
  if (status.attemptOpen && status.voided === null)
    return [auditFinding("tail_cut", "the last start has no end", { file: journalName, record: last })];
  return [];
}

/** Whether that holds, the revert's own check says. */
function isReverted(files: RunBundle["files"]): boolean {
  return Buffer.from(files.get(revertJournalName) ?? new Uint8Array()).includes('"kind":"reverted"');
}
