// cutter target propose: which document is harmless enough for a first cut, ranked with reasons. Reads only; the choice is a person's, in a
// signed ruling.
import { buildCommand } from "@stricli/core";
import { z } from "zod";
import { loadConfig } from "../config/load.ts";
import { CutterError } from "../core/errors.ts";
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
import type { KbDocument, KnowledgeBase } from "../ports/knowledge-base.ts";
import type { CutterContext } from "./context.ts";
import { commonFlags, print, ranAsCutter, type CommonFlags } from "./flags.ts";
import { tryParseJson } from "../core/encoding/try-parse-json.ts";
import { recordedPlanSchema } from "../core/plan/schema.ts";
import { recordedOutcomeSchema } from "../core/run/outcome.ts";

interface Flags extends CommonFlags {
  readonly limit: number;
}

const documentsReadMax = 5_000;

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
      const bodies = await readBodies(knowledgeBase, config.value.kb_runs_folder);
      const runs = await readDryRuns(services.files, config.value.sidecar_root);
      const candidates = registered.map((document) => toCandidate(document, bodies, runs));
      const proposal = proposeTargets(
        candidates.flatMap((one) => ("problem" in one ? [] : [one])),
        candidates.flatMap((one) => ("problem" in one ? [one] : [])),
      );
      print(this, flags, toJson(proposal), toText(proposal, flags.limit));
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

type Bodies = ReadonlyMap<string, KbDocument>;

/**
 * Every document but the runs' own: those name what they cut and depend on nothing.
 * @throws TARGET_TOO_MANY_DOCUMENTS rather than rank on half the facts
 */
async function readBodies(knowledgeBase: KnowledgeBase, runsFolder: string): Promise<Bodies> {
  const ids = (await knowledgeBase.list("knowledge/")).map(({ id }) => id).filter((id) => !id.startsWith(`${runsFolder}/`));
  if (ids.length > documentsReadMax)
    throw new CutterError("TARGET_TOO_MANY_DOCUMENTS", { documents: ids.length, documents_max: documentsReadMax });
  const bodies = new Map<string, KbDocument>();
  for (const id of ids) {
    const document = await knowledgeBase.read(id);
    if (document !== null) bodies.set(id, document);
  }
  return bodies;
}

function toCandidate(document: RegisteredDocument, bodies: Bodies, runs: readonly DryRunSummary[]): CandidateFacts | UnassessedCandidate {
  const found = bodies.get(document.documentId);
  if (found === undefined) return { documentId: document.documentId, problem: "the knowledge base has no such document" };
  const dependants = [...bodies.values()].filter(({ id, body }) => id !== found.id && body.includes(found.id)).map(({ id }) => id);
  const dryRun = runs.filter((run) => run.documentId === found.id && run.sourceSha256 === found.sha256).at(-1) ?? null;
  try {
    return toCandidateFacts({ ...document, body: found.body, dependants, dryRun });
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

function toJson(proposal: TargetProposal): object {
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
  };
}

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
