// Which document is harmless enough for a first cut? Facts of each registered document → a ranking with reasons (GAP-8). Pure; the choice
// is a person's, in a signed ruling.

/** What was found out about one registered document. */
export interface CandidateFacts {
  readonly documentId: string;
  readonly bytes: number;
  readonly lines: number;
  readonly units: number;
  readonly headings: number;
  readonly duplicateTitles: number; // titles that stand more than once
  readonly levelSkips: number; // a heading more than one level below the one before
  readonly openFence: boolean; // an odd number of fences: the rest of the document is code to a parser
  readonly frontMatter: boolean;
  readonly registeredSha256: string;
  readonly sha256: string;
  readonly unitsThere: number; // units the database holds of it already
  readonly dependants: readonly string[]; // other documents that name it
  readonly ownWork: string | null; // what it is to the kit itself, where it is no document of the programme
  // newest of this host, for these very bytes
  readonly dryRun: { readonly runId: string; readonly certificate: string | null; readonly wouldRefuse: readonly string[] } | null;
}

/** A document that could not be judged, and why. */
export interface UnassessedCandidate {
  readonly documentId: string;
  readonly problem: string;
}

export interface Proposal {
  readonly rank: number; // 1 is the most harmless
  readonly documentId: string;
  readonly bytes: number;
  readonly units: number;
  readonly dryRun: "clean" | "not clean" | "none";
  readonly reasons: readonly string[];
  readonly cautions: readonly string[];
}

export interface TargetProposal {
  readonly proposed: readonly Proposal[];
  readonly excluded: readonly { readonly documentId: string; readonly why: readonly string[] }[];
}

const bytesMax = 250_000; // the programme's largest document has 245 KB
const lawsFolder = "knowledge/dev/laws/";

/**
 * Ordered by: dry run clean, dependants, structural oddities, units, bytes, id. A document that must not be the first is excluded and says
 * why.
 */
export function proposeTargets(candidates: readonly CandidateFacts[], unjudged: readonly UnassessedCandidate[] = []): TargetProposal {
  const assessed = candidates.map((facts) => ({ facts, why: toExclusions(facts), cautions: toCautions(facts) }));
  const proposed = assessed.filter(({ why }) => why.length === 0).sort((one, other) => compare(toOrder(one), toOrder(other)));
  return {
    proposed: proposed.map(({ facts, cautions }, index) => ({
      rank: index + 1,
      documentId: facts.documentId,
      bytes: facts.bytes,
      units: facts.units,
      dryRun: toDryRun(facts),
      reasons: toReasons(facts),
      cautions,
    })),
    excluded: [
      ...assessed.filter(({ why }) => why.length > 0).map(({ facts, why }) => ({ documentId: facts.documentId, why })),
      ...unjudged.map(({ documentId, problem }) => ({ documentId, why: [problem] })),
    ].sort((one, other) => compareText(one.documentId, other.documentId)),
  };
}

function toExclusions(facts: CandidateFacts): readonly string[] {
  return [
    ...(facts.ownWork === null ? [] : [`it is ${facts.ownWork}: nothing to be cut`]),
    ...(facts.documentId.startsWith(lawsFolder) ? ["it is a law: not for a first cut"] : []),
    ...(facts.registeredSha256 === facts.sha256
      ? []
      : ["the knowledge base holds other bytes than are registered: register it anew first"]),
    ...(facts.unitsThere > 0 ? [`the database holds ${String(facts.unitsThere)} units of it already`] : []),
    ...(facts.bytes > bytesMax ? [`${String(facts.bytes)} bytes are more than ${String(bytesMax)}`] : []),
  ];
}

function toReasons(facts: CandidateFacts): readonly string[] {
  return [
    `${String(facts.bytes)} bytes, ${String(facts.lines)} lines, ${String(facts.units)} units: easy to read in full before signing`,
    "not under laws, and nothing of it is in the database yet",
    ...(facts.dependants.length === 0 ? ["no other document in the knowledge base names it"] : []),
    ...(facts.dryRun !== null && toDryRun(facts) === "clean"
      ? [`dry run ${facts.dryRun.runId} of these very bytes is clean: certificate pass, nothing would refuse but missing approvals`]
      : []),
  ];
}

function toCautions(facts: CandidateFacts): readonly string[] {
  return [
    ...(facts.dependants.length === 0
      ? []
      : [
          `${String(facts.dependants.length)} documents name it: ` +
            `${facts.dependants.slice(0, 3).join(", ")}${facts.dependants.length > 3 ? ", …" : ""}`,
        ]),
    ...(facts.headings === 0 ? ["no heading: it would be one single unit"] : []),
    ...(facts.duplicateTitles === 0
      ? []
      : [`${String(facts.duplicateTitles)} titles stand more than once: their addresses are told apart by number`]),
    ...(facts.levelSkips === 0 ? [] : [`${String(facts.levelSkips)} headings skip a level`]),
    ...(facts.openFence ? ["an odd number of code fences: what follows the last one is code, headings included"] : []),
    ...(facts.frontMatter ? ["it begins with front matter"] : []),
    ...(facts.dryRun === null
      ? ["not dry-run on this host in its present bytes"]
      : toDryRun(facts) === "clean"
        ? []
        : [
            `dry run ${facts.dryRun.runId} is not clean: certificate ` +
              `${facts.dryRun.certificate ?? "none"}${facts.dryRun.wouldRefuse.length === 0 ? "" : `, would refuse ${facts.dryRun.wouldRefuse.join(", ")}`}`,
          ]),
  ];
}

function toDryRun({ dryRun }: CandidateFacts): Proposal["dryRun"] {
  if (dryRun === null) return "none";
  return dryRun.certificate === "pass" && dryRun.wouldRefuse.every((code) => code === "APPROVAL_MISSING") ? "clean" : "not clean";
}

type Order = readonly (number | string)[];

function toOrder({ facts }: { readonly facts: CandidateFacts }): Order {
  const oddities =
    facts.duplicateTitles + facts.levelSkips + (facts.openFence ? 10 : 0) + (facts.frontMatter ? 1 : 0) + (facts.headings === 0 ? 10 : 0);
  return [
    { clean: 0, none: 1, "not clean": 2 }[toDryRun(facts)],
    facts.dependants.length,
    oddities,
    facts.units,
    facts.bytes,
    facts.documentId,
  ];
}

function compare(one: Order, other: Order): number {
  for (const [index, value] of one.entries()) {
    const against = other[index];
    const order = typeof value === "number" && typeof against === "number" ? value - against : compareText(String(value), String(against));
    if (order !== 0) return order;
  }
  return 0;
}

function compareText(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
