// The document of one phase, for people first, with the record for machines at its end. Pure.
import { createHash } from "node:crypto";
import { codes, isCode } from "../../core/codes/index.ts";
import { toPrintable } from "../../core/errors.ts";
import { toFence } from "../../core/page/markdown.ts";
import type { DecisionRehearsed, DonePhase } from "../../core/journal/status.ts";
import type { EffectStatus, VerifiedEntry } from "../../core/journal/live.ts";
import type { RecordedRefusal } from "../../core/journal/record.ts";
import { toPhaseDocumentId } from "../../core/knowledge-base/phase-document-id.ts";
import type { PhaseText } from "../../phases/define.ts";
import type { RunFacts } from "../../ports/run-ports.ts";

export interface PhaseDocument {
  readonly id: string;
  readonly title: string;
  readonly body: string;
  readonly tags: readonly string[];
}

export interface PhaseDocumentParts {
  readonly run: RunFacts;
  readonly done: DonePhase;
  readonly text: PhaseText;
  readonly decision: DecisionRehearsed | null; // rehearsed, in a dry run
  readonly live: { readonly decided: VerifiedEntry | null; readonly effects: readonly (EffectStatus & { readonly step: string })[] };
  readonly witness: { readonly seq: number; readonly head: string };
}

/** The same parts give the same bytes: a gate that was interrupted uploads exactly what it would have. */
export function toPhaseDocument(parts: PhaseDocumentParts): PhaseDocument {
  const { run, done, text } = parts;
  const title = `Run ${run.runId}, phase ${String(done.number)}: ${done.phase}`;
  const sections = (text.sections ?? []).flatMap((section) => [`## ${section.title}`, "", section.body, ""]);
  const body = [
    `# ${title}`,
    "",
    `${text.summary}.`,
    "",
    "## Facts",
    "",
    "| fact | value |",
    "|---|---|",
    ...[["document", run.documentId] as const, ["mode", run.mode] as const, ...text.facts].map(
      ([name, value]) => `| ${name} | ${toCell(value)} |`,
    ),
    "",
    ...toDecisionSection(parts.decision),
    ...toDecidedSection(parts.live.decided),
    ...toEffectSection(parts.live.effects),
    ...toRefusalSection(run.mode, done.wouldRefuse),
    ...sections,
    "## Record",
    "",
    ...toFence(JSON.stringify(toRecord(parts), null, 1), "json"),
    "",
  ].join("\n");
  return {
    id: toPhaseDocumentId(run.config.kb_runs_folder, run.runId, done.number, done.phase),
    title,
    body,
    tags: ["cutter-run", run.mode, done.phase.replaceAll("_", "-")],
  };
}

function toRecord(parts: PhaseDocumentParts): object {
  const { run, done } = parts;
  return {
    schema: "cutter.phase/1",
    run_id: run.runId,
    document_id: run.documentId,
    mode: run.mode,
    phase: done.phase,
    number: done.number,
    release_sha256: run.releaseSha256,
    host_identity: run.hostIdentity,
    output_sha256: done.outputSha256,
    text_sha256: createHash("sha256").update(JSON.stringify(parts.text)).digest("hex"),
    would_refuse: done.wouldRefuse,
    decision: parts.decision === null ? null : { gate: parts.decision.gate, row: parts.decision.row },
    ...(run.mode === "live"
      ? { effects: parts.live.effects.map(({ step, found, sha256, transactions }) => ({ step, found, sha256, transactions })) }
      : {}),
    journal: parts.witness,
  };
}

function toDecisionSection(decision: DecisionRehearsed | null): readonly string[] {
  if (decision === null) return [];
  const rows = Object.entries(decision.row).map(
    ([name, value]) => `| ${name} | ${toCell(Array.isArray(value) ? value.join(", ") : value)} |`,
  );
  return [`## ${decision.gate}: the decision row a live run would insert first`, "", "| column | value |", "|---|---|", ...rows, ""];
}

function toDecidedSection(decided: VerifiedEntry | null): readonly string[] {
  if (decided === null) return [];
  const signers = decided.signatures.map(({ role, fingerprint }) => `${role} ${fingerprint}`).join(", ");
  const rows = [
    ["review_decision_id", decided.review_decision_id],
    ["approval", decided.kb_id],
    ["approval sha256", decided.document_sha256],
    ["payload_sha", decided.payload_sha],
    ["issued_at", decided.issued_at],
    ["signed by", signers],
    ["human signers", decided.human_signers],
  ] as const;
  return [
    `## ${decided.gate}: the approval this phase relies on`,
    "",
    "| field | value |",
    "|---|---|",
    ...rows.map(([name, value]) => `| ${name} | ${toCell(value)} |`),
    "",
  ];
}

const foundAs = {
  committed: "done by this run, COMMIT answered",
  already_there: "**taken as done**: intended before a crash or a lost answer, found in the database exactly as intended, not repeated",
} as const;

function toEffectSection(effects: PhaseDocumentParts["live"]["effects"]): readonly string[] {
  if (effects.length === 0) return [];
  const lines = effects.map(
    ({ step, found, sha256, transactions }) =>
      `- ${step}: ${found === null ? "not done" : foundAs[found]}; digest ${sha256 ?? "none"}; transaction ids: ` +
      `${transactions.join(", ") || "none"}`,
  );
  return ["## What was done, exactly once", "", ...lines, ""];
}

function toRefusalSection(mode: RunFacts["mode"], refusals: readonly RecordedRefusal[]): readonly string[] {
  if (mode === "live")
    return refusals.length === 0
      ? []
      : ["## What the ruling puts up with by name", "", ...refusals.map((refusal) => `- ${toRefusalText(refusal)}`), ""];
  if (refusals.length === 0) return ["## What would stop a live run here", "", "Nothing.", ""];
  return ["## What would stop a live run here", "", ...refusals.map((refusal) => `- ${toRefusalText(refusal)}`), ""];
}

function toRefusalText(refusal: RecordedRefusal): string {
  const entry = isCode(refusal.code) ? codes[refusal.code] : null;
  const facts = Object.entries(refusal.facts).map(([name, value]) => `${name}=\`${toPrintable(value).replaceAll("`", "'")}\``);
  return [`**${refusal.code}**`, entry?.summary ?? "", ...facts, entry === null ? "" : `→ ${entry.remedy}`]
    .filter((part) => part !== "")
    .join(" ");
}

/** One table cell: values come from documents and databases, so nothing in them may end the cell or the line. */
function toCell(value: string | number | boolean | null): string {
  if (value === null) return "none";
  const text = toPrintable(value);
  return text.replaceAll("|", "\\|").replaceAll("<", "&lt;");
}
