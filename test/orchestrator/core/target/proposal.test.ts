// Which documents are proposed for a first cut, in which order, and what keeps one out.
import { describe, expect, it } from "vitest";
import { toCandidateFacts, type CandidateSource } from "../../../../orchestrator/core/target/candidate.ts";
import { proposeTargets, type CandidateFacts } from "../../../../orchestrator/core/target/proposal.ts";
import { sha256Hex } from "../../../../orchestrator/core/encoding/digest.ts";

const body = "# One\n\nText.\n\n## Two\n\nMore.\n";
const source = (change: Partial<CandidateSource> = {}): CandidateFacts => {
  const text = change.body ?? body;
  return toCandidateFacts({
    documentId: "knowledge/other/a.md",
    docCode: "a",
    body: text,
    registeredSha256: sha256Hex(text),
    unitsThere: 0,
    dependants: [],
    ownWork: null,
    dryRun: null,
    ...change,
  });
};
const clean = { runId: "r.dryrun", certificate: "pass", wouldRefuse: ["APPROVAL_MISSING"] };

describe("proposeTargets", () => {
  it("puts a cleanly dry-run document before a smaller one that was never tried, and says why", () => {
    const { proposed } = proposeTargets([source({ documentId: "knowledge/other/small.md", body: "# A\n" }), source({ dryRun: clean })]);
    expect(proposed.map(({ rank, documentId, dryRun }) => [rank, documentId, dryRun])).toEqual([
      [1, "knowledge/other/a.md", "clean"],
      [2, "knowledge/other/small.md", "none"],
    ]);
    expect(proposed[0]?.reasons.join("\n")).toContain("r.dryrun");
    expect(proposed[1]?.cautions).toContain("not dry-run on this host in its present bytes");
  });

  it("prefers what nothing else names", () => {
    const { proposed } = proposeTargets([
      source({ documentId: "knowledge/other/named.md", body: "# A\n", dependants: ["knowledge/other/b.md"] }),
      source(),
    ]);
    expect(proposed.map(({ documentId }) => documentId)).toEqual(["knowledge/other/a.md", "knowledge/other/named.md"]);
    expect(proposed[1]?.cautions.join()).toContain("knowledge/other/b.md");
  });

  it("counts a dry run that would refuse for more than missing approvals, or is no pass, as not clean", () => {
    const of = (dryRun: CandidateFacts["dryRun"]) => proposeTargets([source({ dryRun })]).proposed[0]?.dryRun;
    expect([
      of(clean),
      of({ ...clean, wouldRefuse: ["GRANT_MATRIX_MISMATCH"] }),
      of({ ...clean, certificate: "inconclusive" }),
      of({ ...clean, certificate: null }),
      of(null),
    ]).toEqual(["clean", "not clean", "not clean", "not clean", "none"]);
  });

  it.each([
    ["a law", source({ documentId: "knowledge/dev/laws/one.md" }), /law/],
    ["other bytes than registered", source({ registeredSha256: "0".repeat(64) }), /registered/],
    ["units there already", source({ unitsThere: 3 }), /3 units/],
    ["too large", source({ body: `# A\n${"x".repeat(250_000)}\n` }), /more than 250000/],
  ])("never proposes %s", (_name, facts, why) => {
    const { proposed, excluded } = proposeTargets([facts]);
    expect(proposed).toEqual([]);
    expect(excluded[0]?.why.join()).toMatch(why);
  });

  it("names what could not be judged among the excluded", () => {
    expect(
      proposeTargets([], [{ documentId: "knowledge/other/gone.md", problem: "the knowledge base has no such document" }]).excluded,
    ).toEqual([{ documentId: "knowledge/other/gone.md", why: ["the knowledge base has no such document"] }]);
  });

  it("gives the same order whatever order the facts come in", () => {
    const all = ["c", "a", "b"].map((name) => source({ documentId: `knowledge/other/${name}.md` }));
    expect(proposeTargets(all.toReversed())).toEqual(proposeTargets(all));
    expect(proposeTargets(all).proposed.map(({ documentId }) => documentId.at(-4))).toEqual(["a", "b", "c"]);
  });
});

describe("toCandidateFacts", () => {
  it("counts oddities of structure", () => {
    const facts = source({ body: "---\ntitle: x\n---\n\n# A\n\n### Skips\n\n# A\n\n```sh\n# open\n" });
    expect(facts).toMatchObject({ duplicateTitles: 1, levelSkips: 1, openFence: true, frontMatter: true });
    expect(source()).toMatchObject({
      duplicateTitles: 0,
      levelSkips: 0,
      openFence: false,
      frontMatter: false,
      units: 2,
      headings: 2,
      lines: 8,
    });
  });
});
