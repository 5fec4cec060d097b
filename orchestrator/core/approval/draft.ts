// The document to sign, and how to fill and sign it with nothing but stock tools. What only the signer may say stands as a placeholder that
// verify refuses.
import type { escalatingPhases, ApprovalGate } from "./schema.ts";
import { blockName } from "./block.ts";
import type { HostScope, RulingScope, RunScope } from "./scope.ts";
import { hoursMaxOfGate, rulingHoursMax } from "./freshness.ts";
import { phaseOfGate, type PhaseName } from "../phase-names.ts";

/** What a dry run settled: a person approves exactly this. */
export interface DraftedRun extends RunScope {
  readonly units: number;
  readonly sourceSha256: string;
  readonly sourceBytes: number;
  readonly sourceRevision: number;
}

export type DraftRequest = HostScope &
  (
    | { readonly gate: "SG_1" | "REVERT"; readonly run: DraftedRun }
    | { readonly gate: "SG_2"; readonly run: DraftedRun; readonly more: readonly DraftedRun[] }
    | {
        readonly gate: "SG_3";
        readonly run: DraftedRun;
        readonly phase: (typeof escalatingPhases)[number];
        readonly decision: "resume" | "void";
      }
    | { readonly gate: "RULING"; readonly run: DraftedRun; readonly ruling: RulingScope }
  );

export interface Draft {
  readonly document: string; // Markdown, LF, ends in a newline
  readonly placeholders: readonly string[];
  readonly fileName: string; // as the commands call it
  readonly commands: readonly string[]; // shell lines for the signer, to be run in this order
}

const issuedAt = "@ISSUED_AT@";
const expiresAt = "@EXPIRES_AT@";

/** Pure: the same request gives the same bytes. */
export function toApprovalDraft(request: DraftRequest): Draft {
  const json = JSON.stringify(toBlock(request), null, 2);
  const placeholders = [...new Set(json.match(/@[A-Z][A-Z0-9_]*@/g) ?? [])];
  const fileName = `${request.run.runId}.${request.gate}.md`;
  const document = [`# ${titles[request.gate]}`, "", `\`\`\`${blockName}`, json, "```", "", ...toProse(request), ""].join("\n");
  return { document, placeholders, fileName, commands: toCommands(request.gate, fileName, placeholders) };
}

const titles = {
  SG_1: "SG_1 cut authorisation",
  SG_2: "SG_2 lifecycle authorisation",
  SG_3: "SG_3 decision on a failed phase",
  RULING: "RULING to enable execution for one scoped run",
  REVERT: "REVERT of one run",
} as const satisfies Record<ApprovalGate, string>;

function toBlock(request: DraftRequest): object {
  const { gate, run, host, releaseSha256 } = request;
  const decision = gate === "SG_3" ? request.decision : "approve";
  const phase = gate === "SG_3" ? request.phase : phaseOfGate[gate];
  const head = {
    schema: "cutter.approval/1",
    gate,
    decision,
    ...toDecision(run, phase, 1),
    issued_at: issuedAt,
    host,
    release_sha256: releaseSha256,
  };
  if (gate === "SG_2" && request.more.length > 0)
    return { ...head, entries: request.more.map((more, index) => toDecision(more, phase, index + 2)) };
  return gate === "RULING" ? { ...head, ...toRuling(request.run, request.ruling) } : head;
}

/** One UUID for each decision, so one placeholder for each. */
function toDecision({ runId, documentId, payloadSha }: RunScope, phase: PhaseName, number: number): object {
  const uuid = number === 1 ? "@REVIEW_DECISION_ID@" : `@REVIEW_DECISION_ID_${String(number)}@`;
  return { run_id: runId, document_id: documentId, phase, payload_sha: payloadSha, review_decision_id: uuid };
}

function toRuling(run: DraftedRun, ruling: RulingScope): object {
  return {
    document_sha256: run.sourceSha256,
    why_harmless: "@WHY_HARMLESS@",
    architect_text: { kb_id: "@ARCHITECT_TEXT_KB_ID@", revision: "@ARCHITECT_TEXT_REVISION@", sha256: "@ARCHITECT_TEXT_SHA256@" },
    governance_principal: ruling.governancePrincipal ?? "@GOVERNANCE_PRINCIPAL@",
    rollback_runbook_sha256: ruling.rollbackRunbookSha256,
    grant_matrix_sha256: ruling.grantMatrixSha256,
    accepts: [],
    expires_at: expiresAt,
    starts: 1,
  };
}

function toProse(request: DraftRequest): readonly string[] {
  const runs = [request.run, ...(request.gate === "SG_2" ? request.more : [])];
  return [
    ...meanings[request.gate],
    "",
    ...runs.map(
      (run) =>
        `- Run ${run.runId}: document ${run.documentId}, revision ${String(run.sourceRevision)}, ${String(run.sourceBytes)} ` +
        `bytes, ${String(run.units)} units.`,
    ),
    "",
    `Valid for at most ${String(hoursMaxOfGate[request.gate])} hours from issued_at. Only the block above is read by the ` +
      "kit; whoever signs says what stands in it.",
  ];
}

const meanings = {
  SG_1: ["Whoever signs this allows the named run to cut the named document as the plan of this payload_sha says."],
  SG_2: ["Whoever signs this allows the units of each named run to come into force."],
  SG_3: [
    "A phase of this run failed after something was written, or the run is to be given up. Whoever signs this decides: " +
      "resume lets it go on from where it stood;",
    "void gives it up for good, where none of its effects stands (a REVERT takes them back first): its claim on the document " +
      "ends and its run id is never used again.",
  ],
  RULING: [
    "Whoever signs this lets execution be enabled for the named run on the named host, as often as starts says, until expires_at.",
    "starts is 1 to 5. Every start takes one: the first, each that resumes after a stop or a crash, and the one after the " +
      "wait for an SG_2 that was not there yet. With 1, whatever interrupts the run asks for a new ruling.",
    "why_harmless says in a sentence why this document can bear it; architect_text names the ruling's text in the knowledge " +
      "base; accepts lists codes that are knowingly put up with.",
  ],
  REVERT: ["Whoever signs this lets the effects of the named run be reverted after a fresh backup."],
} as const satisfies Record<ApprovalGate, readonly string[]>;

/** Fills by sed in place, then signs. UUIDs come from the signer's kernel, times from the signer's clock; the rest is written by hand. */
function toCommands(gate: ApprovalGate, fileName: string, placeholders: readonly string[]): readonly string[] {
  const uuids = placeholders.filter((name) => name.startsWith("@REVIEW_DECISION_ID"));
  const byHand = placeholders.filter((name) => !uuids.includes(name) && name !== issuedAt && name !== expiresAt);
  // The end first: the other way round a second more than the 24 hours could lie between them.
  const expiry =
    gate === "RULING" ? [`sed -i "s/${expiresAt}/$(date -u -d '+${String(rulingHoursMax)} hours' +%Y-%m-%dT%H:%M:%SZ)/" ${fileName}`] : [];
  return [
    ...(byHand.length === 0
      ? []
      : [
          `"\${EDITOR:-vi}" ${fileName}   # write by hand: ` +
            `${byHand.join(" ")}${byHand.includes("@ARCHITECT_TEXT_REVISION@") ? " (the revision as a number, without quotes)" : ""}`,
        ]),
    ...uuids.map((name) => `sed -i "s/${name}/$(cat /proc/sys/kernel/random/uuid)/" ${fileName}`),
    ...expiry,
    `sed -i "s/${issuedAt}/$(date -u +%Y-%m-%dT%H:%M:%SZ)/" ${fileName}`,
    `gpg --armor --output ${fileName}.${gate === "RULING" ? "sovereign." : ""}asc --detach-sign ${fileName}`,
    ...(gate === "RULING"
      ? [`gpg --armor --output ${fileName}.architect.asc --detach-sign ${fileName}   # the architect, if a key of theirs is pinned`]
      : []),
  ];
}
