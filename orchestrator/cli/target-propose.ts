// cutter target propose: which document is harmless enough for a first cut, ranked with reasons. Reads only; the choice is a person's, in a
// signed ruling.
import { buildCommand } from "@stricli/core";
import { z } from "zod";
import { loadConfig } from "../config/load.ts";
import { blockName } from "../core/approval/block.ts";
import { parseApproval } from "../core/approval/parse.ts";
import { CutterError, toCodeText, toPrintable } from "../core/errors.ts";
import {
  proposeTargets,
  type CandidateFacts,
  type Proposal,
  type TargetProposal,
  type UnassessedCandidate,
} from "../core/target/proposal.ts";
import { toCandidateFacts } from "../core/target/candidate.ts";
import type { RegisteredDocument } from "../ports/database.ts";
import type { Files } from "../ports/files.ts";
import type { KbDocument, KbListing, KnowledgeBase } from "../ports/knowledge-base.ts";
import type { CutterContext } from "./context.ts";
import { commonFlags, print, ranAsCutter, type CommonFlags } from "./flags.ts";
import { tryParseJson } from "../core/encoding/try-parse-json.ts";
import { recordedPlanSchema } from "../core/plan/schema.ts";
import { recordedOutcomeSchema } from "../core/run/outcome.ts";

interface Flags extends CommonFlags {
  readonly limit: number;
}

const documentsReadMax = 5_000;
const failuresInTurnMax = 5;
const skippedShownMax = 20;

export const targetProposeCommand = buildCommand<Flags, [], CutterContext>({
  docs: {
    brief: "Propose harmless documents for a first cut, ranked with reasons",
    fullDescription:
      "Judges every registered document: size, structure, what else names it, whether it is a law, whether a dry run of its " +
      "present bytes was clean. Reads the knowledge base, the database and this host's runs; writes nothing. The choice is " +
      "made by a person in a signed ruling that says why the document is harmless (GAP-8).",
  },
  parameters: {
    flags: {
      ...commonFlags,
      limit: { kind: "parsed", parse: toLimit, brief: "How many to print (default 10)", default: "10", placeholder: "N" },
    },
  },
  func: async function (this: CutterContext, flags) {
    if (await ranAsCutter(this)) return;
    const { services } = this;
    const config = await loadConfig(services.files, services.paths.config);
    const engine = await services.openEngine(config.value, services.toReporter({ json: flags.json }));
    try {
      const { database, knowledgeBase } = engine.ports;
      const registered = await database.readRegisteredDocuments();
      const stored = await readStored(knowledgeBase, config.value.kb_runs_folder);
      const runs = await readDryRuns(services.files, config.value.sidecar_root);
      const candidates = registered.map((document) => toCandidate(document, stored, runs));
      const proposal = proposeTargets(
        candidates.flatMap((one) => ("problem" in one ? [] : [one])),
        candidates.flatMap((one) => ("problem" in one ? [one] : [])),
      );
      const { skipped } = stored;
      print(this, flags, toJson(proposal, skipped), [...toText(proposal, flags.limit), ...toSkippedLines(skipped)]);
    } finally {
      await engine.close();
    }
  },
});

function toLimit(text: string): number {
  const limit = Number(text);
  if (!Number.isInteger(limit) || limit < 1 || limit > 1_000)
    throw new CutterError("USAGE_INVALID", { problem: "--limit is a number from 1 to 1000" });
  return limit;
}

interface Stored {
  readonly bodies: ReadonlyMap<string, KbDocument>;
  readonly skipped: KbListing["skipped"]; // what was not looked at, and why
  readonly runsFolder: string;
  readonly ruledBy: ReadonlyMap<string, string>; // by the id of an architect's text, the ruling that names it
}

/**
 * Every document but the runs' own: those name what they cut and depend on nothing. A row that cannot be used makes no other one
 * unreadable.
 * @throws TARGET_TOO_MANY_DOCUMENTS rather than rank on half the facts; KB_*
 */
async function readStored(knowledgeBase: KnowledgeBase, runsFolder: string): Promise<Stored> {
  const isOfRuns = (id: string): boolean => id.startsWith(`${runsFolder}/`);
  const listed = await knowledgeBase.list("knowledge/");
  const ids = listed.documents.map(({ id }) => id).filter((id) => !isOfRuns(id));
  const rulings = listed.documents.map(({ id }) => id).filter((id) => isOfRuns(id) && /\/approvals\/ruling-[0-9a-f]+\.md$/.test(id));
  if (ids.length > documentsReadMax)
    throw new CutterError("TARGET_TOO_MANY_DOCUMENTS", { documents: ids.length, documents_max: documentsReadMax });
  const bodies = new Map<string, KbDocument>();
  const skipped = listed.skipped.filter(({ id }) => !isOfRuns(id));
  let failedInTurn = 0;
  for (const id of ids) {
    try {
      const document = await knowledgeBase.read(id);
      if (document !== null) bodies.set(id, document);
      failedInTurn = 0;
    } catch (error) {
      failedInTurn += 1;
      if (!(error instanceof CutterError && isOfOneDocument(error)) || failedInTurn > failuresInTurnMax) throw error;
      skipped.push({ id, why: `it cannot be read: ${toCodeText(error)}` });
    }
  }
  return { bodies, skipped, runsFolder, ruledBy: await readRulingTexts(knowledgeBase, rulings) };
}

/** A server that answers 500 may do so for this row alone; several in turn are the server's. */
function isOfOneDocument({ code, facts }: CutterError): boolean {
  if (code === "KB_UNAVAILABLE") return facts["status"] === 500;
  return code === "KB_ANSWER_INVALID" || code === "KB_ANSWER_TOO_LARGE" || code === "KB_READ_BACK_DIFFERS" || code === "KB_REFUSED";
}

/** The architect's texts that rulings in the knowledge base name, with the ruling that does. What is no approval names none. */
async function readRulingTexts(knowledgeBase: KnowledgeBase, ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const named = new Map<string, string>();
  for (const id of ids) {
    try {
      const ruling = parseApproval(new TextEncoder().encode((await knowledgeBase.read(id))?.body ?? ""));
      if (ruling.gate === "RULING") named.set(ruling.architect_text.kb_id, id);
    } catch (error) {
      if (!(error instanceof CutterError)) throw error;
    }
  }
  return named;
}

function toOwnWork({ id, body }: KbDocument, ruledBy: Stored["ruledBy"]): string | null {
  const ruling = ruledBy.get(id);
  if (ruling !== undefined) return `the architect's text of the ruling ${ruling}`;
  return body.includes(`\`\`\`${blockName}\n`) ? "an approval" : null;
}

function toCandidate(
  document: RegisteredDocument,
  { bodies, skipped, runsFolder, ruledBy }: Stored,
  runs: readonly DryRunSummary[],
): CandidateFacts | UnassessedCandidate {
  if (document.documentId.startsWith(`${runsFolder}/`))
    return { documentId: document.documentId, problem: "it is a document of the kit's own runs: nothing to be cut" };
  const found = bodies.get(document.documentId);
  const why = skipped.find(({ id }) => id === document.documentId)?.why;
  if (why !== undefined) return { documentId: document.documentId, problem: `the knowledge base has it, but ${why}` };
  if (found === undefined) return { documentId: document.documentId, problem: "the knowledge base has no such document" };
  const dependants = [...bodies.values()].filter(({ id, body }) => id !== found.id && body.includes(found.id)).map(({ id }) => id);
  const dryRun = runs.filter((run) => run.documentId === found.id && run.sourceSha256 === found.sha256).at(-1) ?? null;
  try {
    return toCandidateFacts({ ...document, body: found.body, dependants, ownWork: toOwnWork(found, ruledBy), dryRun });
  } catch (error) {
    if (error instanceof CutterError) return { documentId: document.documentId, problem: `it cannot be cut: ${error.code}` };
    throw error;
  }
}

interface DryRunSummary {
  readonly runId: string;
  readonly documentId: string;
  readonly sourceSha256: string;
  readonly certificate: string | null;
  readonly wouldRefuse: readonly string[];
  readonly finishedAt: string;
}

const outcomeShape = recordedOutcomeSchema
  .pick({ run_id: true, mode: true, certificate: true, would_refuse: true })
  .refine(({ mode }) => mode === "dryrun");
const planShape = recordedPlanSchema.pick({ documentId: true, sourceSha256: true });

/** Dry runs of this host that came to an end, oldest first; a run that cannot be read counts for nothing. */
async function readDryRuns(files: Files, sidecarRoot: string): Promise<readonly DryRunSummary[]> {
  const runs: DryRunSummary[] = [];
  for (const name of (await files.list(sidecarRoot)) ?? []) {
    const outcome = outcomeShape.safeParse(await readJson(files, `${sidecarRoot}/${name}/outcome.json`));
    const plan = planShape.safeParse(await readJson(files, `${sidecarRoot}/${name}/plan.json`));
    if (!outcome.success || !plan.success) continue;
    const lines = new TextDecoder()
      .decode((await files.read(`${sidecarRoot}/${name}/journal.jsonl`)) ?? new Uint8Array())
      .trimEnd()
      .split("\n");
    const last = z.looseObject({ at: z.string() }).safeParse(tryParseJson(lines.at(-1) ?? ""));
    runs.push({
      runId: outcome.data.run_id,
      ...plan.data,
      certificate: outcome.data.certificate,
      wouldRefuse: outcome.data.would_refuse.map(({ code }) => code),
      finishedAt: last.success ? last.data.at : "",
    });
  }
  return runs.sort((one, other) => (one.finishedAt < other.finishedAt ? -1 : 1));
}

async function readJson(files: Files, path: string): Promise<unknown> {
  return tryParseJson(await files.read(path));
}

function toJson(proposal: TargetProposal, skipped: Stored["skipped"]): object {
  return {
    schema: "cutter.target-propose/1",
    proposed: proposal.proposed.map(({ rank, documentId, bytes, units, dryRun, reasons, cautions }) => ({
      rank,
      document_id: documentId,
      bytes,
      units,
      dry_run: dryRun,
      reasons,
      cautions,
    })),
    excluded: proposal.excluded.map(({ documentId, why }) => ({ document_id: documentId, why })),
    skipped: skipped.slice(0, skippedShownMax).map(({ id, why }) => ({ document_id: id, why })),
    skipped_count: skipped.length,
  };
}

/** Ids of others, made visible. What such a document names is not known, so it may depend on a proposed one. */
function toSkippedLines(skipped: Stored["skipped"]): readonly string[] {
  if (skipped.length === 0) return [];
  const more = skipped.length - skippedShownMax;
  return [
    ...skipped.slice(0, skippedShownMax).map(({ id, why }) => `[WARN] not looked at: ${toPrintable(id.slice(0, idShownMax))}: ${why}`),
    ...(more > 0 ? [`[WARN] and ${String(more)} more`] : []),
    `[WARN] ${String(skipped.length)} documents were not looked at: whether they name a proposed one is not known`,
  ];
}

const idShownMax = 300;

function toText(proposal: TargetProposal, limit: number): readonly string[] {
  const shown = proposal.proposed.slice(0, limit);
  return [
    ...shown.flatMap(toProposalLines),
    ...(proposal.proposed.length > shown.length ? [`[INFO] and ${String(proposal.proposed.length - shown.length)} more: --limit`] : []),
    ...proposal.excluded.map(({ documentId, why }) => `[INFO] not proposed: ${documentId}: ${why.join("; ")}`),
    shown.length === 0
      ? "[WARN] no registered document qualifies for a first cut"
      : `[OK]   ${String(proposal.proposed.length)} proposed, ${String(proposal.excluded.length)} not; a person chooses one and ` +
        "says why in the ruling (GAP-8)",
  ];
}

function toProposalLines({ rank, documentId, bytes, units, dryRun, reasons, cautions }: Proposal): readonly string[] {
  return [
    `${String(rank).padStart(3)}. ${documentId}  (${String(bytes)} bytes, ${String(units)} units, dry run: ${dryRun})`,
    ...reasons.map((reason) => `       + ${reason}`),
    ...cautions.map((caution) => `       - ${caution}`),
  ];
}
