// The document of a revert, for people first, with the record for machines at its end. The same facts give the same bytes. Pure.
import { toFence } from "../../core/page/markdown.ts";
import type { NewKbDocument } from "../../core/knowledge-base/document.ts";
import type { RevertOutcome } from "./outcome.ts";
import { toDifferenceLines } from "./outcome.ts";

/** `<kb_runs_folder>/<run_id in lower case>/revert.md`. */
function toRevertDocumentId(kbRunsFolder: string, runId: string): string {
  return `${kbRunsFolder}/${runId.toLowerCase()}/revert.md`;
}

export interface RevertDocumentParts {
  readonly outcome: Pick<
    RevertOutcome,
    "run_id" | "document_id" | "payload_sha" | "units" | "reverted_at" | "transaction_id" | "approval" | "backup" | "differences"
  >;
  readonly kbRunsFolder: string;
  readonly runbookSha256: string;
  readonly journal: { readonly seq: number; readonly head: string }; // the record by which another login saw it
}

export function toRevertDocument({ outcome, kbRunsFolder, runbookSha256, journal }: RevertDocumentParts): NewKbDocument {
  const title = `Run ${outcome.run_id}: emergency revert`;
  const rows: readonly (readonly [string, string | number | null])[] = [
    ["document", outcome.document_id],
    ["reverted at", outcome.reverted_at],
    ["transaction", outcome.transaction_id],
    ["signed by the sovereign", outcome.approval?.signer ?? null],
    ["approval sha256", outcome.approval?.sha256 ?? null],
    ["review_decision_id", outcome.approval?.review_decision_id ?? null],
    ["rollback runbook sha256", runbookSha256],
    ["backup sha256", outcome.backup?.ciphertext_sha256 ?? null],
    ["backup bytes", outcome.backup?.ciphertext_bytes ?? null],
  ];
  const record = {
    schema: "cutter.revert-record/1",
    run_id: outcome.run_id,
    document_id: outcome.document_id,
    payload_sha: outcome.payload_sha,
    units: outcome.units,
    approval: outcome.approval,
    backup:
      outcome.backup === null
        ? null
        : { ciphertext_sha256: outcome.backup.ciphertext_sha256, ciphertext_bytes: outcome.backup.ciphertext_bytes },
    runbook_sha256: runbookSha256,
    transaction_id: outcome.transaction_id,
    differences: outcome.differences,
    journal,
  };
  const body = [
    `# ${title}`,
    "",
    `${String(outcome.units ?? 0)} units of this run are retired. Their identities, versions and log stay; the read-only ` +
      "login saw it after COMMIT.",
    "",
    "## Facts",
    "",
    "| fact | value |",
    "|---|---|",
    ...rows.map(([name, value]) => `| ${name} | ${value === null ? "none" : String(value)} |`),
    "",
    "## What differs from before the cut",
    "",
    ...toDifferenceLines(outcome.differences).map((line) => `- ${line}`),
    "",
    "## Record",
    "",
    ...toFence(JSON.stringify(record, null, 1), "json"),
    "",
  ].join("\n");
  return { id: toRevertDocumentId(kbRunsFolder, outcome.run_id), title, body, tags: ["cutter-run", "revert"] };
}
