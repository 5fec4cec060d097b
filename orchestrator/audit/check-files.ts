// The files as a set: each as its list says, each made from what the journal vouches for, none missing, none extra.
import { sha256Hex } from "../core/encoding/digest.ts";
import { CutterError } from "../core/errors.ts";
import { renderText } from "../core/page/text.ts";
import type { RunAccount } from "../core/report/account.ts";
import { toRunPage } from "../core/report/report.ts";
import { recordsOf } from "../core/journal/record.ts";
import { revertFolderName } from "../core/revert/files.ts";
import { checksumListName } from "../evidence/checksum-list.ts";
import { toDocumentName, toOutputName } from "./check-documents.ts";
import { auditFinding, toAuditFinding, type AuditFinding } from "./finding.ts";
import { bundleName, readChecksumList, type RunBundle } from "../evidence/bundle.ts";
import { journalName, type AuditedJournal } from "./read-journal.ts";
import { tryParseJson } from "../core/encoding/try-parse-json.ts";
import { recordedOutcomeSchema } from "../core/run/outcome.ts";

/**
 * EVIDENCE.sha256: every file listed, every listed file there, each digest right. A run that goes on has no list yet. In a folder the
 * revert's files have a list of their own; a bundle has one for all.
 */
export function checkChecksumList(material: RunBundle, ended: boolean): readonly AuditFinding[] {
  const inFolder = material.origin === "folder";
  return checkList(material, { listFile: checksumListName, below: "", required: ended, leaveOut: inFolder ? revertFolderName : null });
}

/** The revert's own list, in a folder: of a revert whose last start has an end. */
export function checkRevertList(material: RunBundle): readonly AuditFinding[] {
  if (material.origin === "bundle") return [];
  return checkList(material, {
    listFile: `${revertFolderName}${checksumListName}`,
    below: revertFolderName,
    required: true,
    leaveOut: null,
  });
}

interface ListedFiles {
  readonly listFile: string;
  readonly below: string; // names in the list are relative to it
  readonly required: boolean;
  readonly leaveOut: string | null;
}

function checkList(material: RunBundle, { listFile, below, required, leaveOut }: ListedFiles): readonly AuditFinding[] {
  const list = material.files.get(listFile);
  if (list === undefined) return required ? [auditFinding("list_invalid", "absent", { file: listFile })] : [];
  try {
    const lines = readChecksumList(list).map(({ name, sha256 }) => ({ name: `${below}${name}`, sha256 }));
    const listed = new Map(lines.map(({ name, sha256 }) => [name, sha256]));
    const all = [...[...material.files].map(([name, bytes]) => [name, sha256Hex(bytes)] as const), ...material.digestsOnly];
    const found = new Map(
      all.filter(([name]) => name !== listFile && name.startsWith(below) && (leaveOut === null || !name.startsWith(leaveOut))),
    );
    return [
      ...lines
        .filter(({ name }) => !found.has(name))
        .map(({ name }) => auditFinding("file_missing", "it is listed, and absent", { file: name })),
      ...[...found.keys()]
        .filter((name) => !listed.has(name))
        .map((name) => auditFinding("file_extra", "it is not listed", { file: name })),
      ...lines
        .filter(({ name, sha256 }) => found.has(name) && found.get(name) !== sha256)
        .map(({ name, sha256 }) =>
          auditFinding("file_changed", "another digest than the list's", {
            file: name,
            facts: { expected_sha256: sha256, found_sha256: found.get(name) ?? "" },
          }),
        ),
    ];
  } catch (error) {
    if (error instanceof CutterError) return [toAuditFinding("list_invalid", error, { file: listFile })];
    throw error;
  }
}

export interface MadeFile {
  readonly name: string;
  readonly content: string;
  readonly comparable: boolean; // false: another release made it, and may have worded it otherwise
}

/**
 * Whatever the list says: a list can be made anew, what the journal vouches for cannot. `made` are the files that phases make from their
 * outputs; `begun` names those of a phase that was cut off.
 */
export function checkFileSet(
  material: RunBundle,
  journal: AuditedJournal,
  made: readonly MadeFile[],
  begun: readonly string[],
): readonly AuditFinding[] {
  const { records, status } = journal;
  const ended = status.finished !== null || status.voided !== null;
  const digests = new Set(
    recordsOf(records, "approval_verified").flatMap(({ entry }) => [
      entry.document_sha256,
      ...entry.signatures.map(({ signature_sha256 }) => signature_sha256),
    ]),
  );
  const wanted = new Set([
    journalName,
    "request.yaml",
    ...(ended ? ["outcome.json", "report.txt", checksumListName] : []),
    ...made.map(({ name }) => name),
    ...(recordsOf(records, "approval_verified").some(({ entry }) => entry.gate === "RULING") && ended
      ? ["keys/sovereign.asc", "rollback_runbook.sql"]
      : []),
  ]);
  const allowed = new Set([
    ...wanted,
    ...begun,
    "outcome.json",
    "keys/architect.asc",
    bundleName,
    checksumListName,
    ...status.done.flatMap(({ number, phase }) => [toOutputName(number, phase), toDocumentName(number, phase)]),
  ]);
  const isAllowed = (name: string, bytes: Uint8Array): boolean =>
    name.startsWith("approvals/")
      ? digests.has(sha256Hex(bytes))
      : allowed.has(name) && !(material.origin === "bundle" && name === bundleName);
  return [
    ...[...wanted].filter((name) => !material.files.has(name)).map((name) => auditFinding("file_missing", "absent", { file: name })),
    ...(ended
      ? [...material.files]
          .filter(([name, bytes]) => !name.startsWith(revertFolderName) && !isAllowed(name, bytes))
          .map(([name]) => auditFinding("file_extra", "the run does not leave such a file", { file: name }))
      : []),
    ...made
      .filter(
        ({ name, content, comparable }) =>
          comparable && material.files.has(name) && !Buffer.from(material.files.get(name) ?? "").equals(Buffer.from(content)),
      )
      .map(({ name }) => auditFinding("file_changed", "it is not what its phase's output makes", { file: name })),
  ];
}

const outcomeSchema = recordedOutcomeSchema.pick({
  run_id: true,
  document_id: true,
  mode: true,
  result: true,
  exit_code: true,
  certificate: true,
  payload_sha: true,
  phases_done: true,
});

/** The outcome of a finished run, as the journal tells it. */
export function checkOutcome(material: RunBundle, { status }: AuditedJournal, account: RunAccount): readonly AuditFinding[] {
  const { started, finished } = status;
  const bytes = material.files.get("outcome.json");
  if (started === null || bytes === undefined || (finished === null && status.voided === null)) return [];
  const outcome = outcomeSchema.safeParse(tryParseJson(bytes));
  if (!outcome.success) return [auditFinding("outcome_differs", "it is no outcome", { file: "outcome.json" })];
  const own = { run_id: started.run_id, document_id: started.document_id, mode: started.mode };
  const told =
    finished === null
      ? { ...own, result: "voided" }
      : {
          ...own,
          result: "done",
          exit_code: finished.exit_code,
          certificate: finished.certificate,
          payload_sha: account.plan?.payloadSha ?? null,
          phases_done: status.done.length,
        };
  const different = Object.entries(told)
    .filter(([name, value]) => outcome.data[name] !== value)
    .map(([name]) => name);
  return different.length === 0
    ? []
    : [
        auditFinding("outcome_differs", "it tells another end than the journal", {
          file: "outcome.json",
          facts: { fields: different },
        }),
      ];
}

/** The report of an ended run, made again from the journal. */
export function checkReport(material: RunBundle, { status }: AuditedJournal, account: RunAccount): readonly AuditFinding[] {
  const report = material.files.get("report.txt");
  if (report === undefined || (status.finished === null && status.voided === null)) return [];
  return Buffer.from(report).toString("utf8") === renderText(toRunPage(account, null))
    ? []
    : [auditFinding("file_changed", "it is not the report of this journal", { file: "report.txt" })];
}
