// Each phase's document against its receipt, its output and the journal it witnesses: the knowledge base read these bytes back, so they
// tell what the journal was then.
import { sha256Hex } from "../core/encoding/digest.ts";
import type { DonePhase } from "../core/journal/status.ts";
import { readWitness } from "../core/journal/witness.ts";
import { toPhaseStem } from "../core/knowledge-base/phase-document-id.ts";
import { auditFinding, type AuditFinding } from "./finding.ts";
import type { RunBundle } from "../evidence/bundle.ts";
import { journalName, type AuditedJournal } from "./read-journal.ts";
import type { PhaseName } from "../core/phase-names.ts";

export const toDocumentName = (number: number, phase: PhaseName): string => `documents/${toPhaseStem(number, phase)}.md`;
export const toOutputName = (number: number, phase: PhaseName): string => `outputs/${toPhaseStem(number, phase)}.json`;

export function checkDocuments(material: RunBundle, journal: AuditedJournal): readonly AuditFinding[] {
  const named = new Set(journal.status.done.map(({ number, phase }) => toDocumentName(number, phase)));
  // A document of a phase the journal does not know: its witness tells that the journal went further once.
  const unnamed = [...material.files.keys()].filter((name) => name.startsWith("documents/") && !named.has(name));
  return [
    ...journal.status.done.flatMap((done) => checkDocument(material, journal, done)),
    ...unnamed.flatMap((name) => checkWitness(material, journal, name)),
  ];
}

function checkDocument(material: RunBundle, journal: AuditedJournal, done: DonePhase): readonly AuditFinding[] {
  const file = toDocumentName(done.number, done.phase);
  const output = material.files.get(toOutputName(done.number, done.phase));
  const outputFindings =
    output === undefined
      ? [auditFinding("file_missing", "absent", { file: toOutputName(done.number, done.phase), record: done.seq })]
      : sha256Hex(output) === done.outputSha256
        ? []
        : [
            auditFinding("output_changed", "another digest", {
              file: toOutputName(done.number, done.phase),
              record: done.seq,
              facts: { expected_sha256: done.outputSha256, found_sha256: sha256Hex(output) },
            }),
          ];
  const bytes = material.files.get(file);
  if (done.receipt === null) return outputFindings;
  if (bytes === undefined) return [...outputFindings, auditFinding("file_missing", "absent", { file, record: done.seq })];
  const found = sha256Hex(bytes);
  const differs =
    found === done.receipt.sha256
      ? []
      : [
          auditFinding("receipt_differs", "another digest than the receipt's", {
            file,
            record: done.seq,
            facts: {
              receipt_sha256: done.receipt.sha256,
              found_sha256: found,
              kb_id: done.receipt.documentId,
              revision: done.receipt.revision,
            },
          }),
        ];
  return [...outputFindings, ...differs, ...checkWitness(material, journal, file), ...checkRecord(bytes, journal, done, file)];
}

/** (sequence, head) as the document carries it. */
function checkWitness(material: RunBundle, journal: AuditedJournal, file: string): readonly AuditFinding[] {
  const witness = readWitness(toText(material.files.get(file)));
  if (witness === null) return [auditFinding("document_differs", "it carries no record", { file })];
  const { seq, head } = witness.journal;
  const hash = journal.hashes[seq];
  if (hash === undefined)
    return [
      auditFinding("tail_cut", "a document witnesses a record beyond the journal's end", {
        file: journalName,
        record: journal.records.length - 1,
        facts: { witness: file, witnessed_record: seq },
      }),
    ];
  return hash === head
    ? []
    : [
        auditFinding("witness_differs", "the journal up to this record is another one", {
          file: journalName,
          record: seq,
          facts: { witness: file, expected_head: head, found_head: hash },
        }),
      ];
}

function checkRecord(bytes: Uint8Array, { status }: AuditedJournal, done: DonePhase, file: string): readonly AuditFinding[] {
  const record = readWitness(toText(bytes));
  if (record === null || status.started === null) return [];
  const told = {
    run_id: status.started.run_id,
    document_id: status.started.document_id,
    mode: status.started.mode,
    phase: done.phase,
    number: done.number,
    output_sha256: done.outputSha256,
  };
  const different = (Object.keys(told) as (keyof typeof told)[]).filter((name) => record[name] !== told[name]);
  return different.length === 0
    ? []
    : [
        auditFinding("document_differs", "its record and the journal differ", {
          file,
          record: done.seq,
          facts: { fields: different },
        }),
      ];
}

function toText(bytes: Uint8Array | undefined): string {
  return Buffer.from(bytes ?? []).toString("utf8");
}
