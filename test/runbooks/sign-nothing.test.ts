// prepare where nothing that people would sign could be used: it says so, why, and which command leads on.
import { describe, expect, it } from "vitest";
import { CutterError } from "../../orchestrator/core/errors.ts";
import { toStaleFields } from "../../runbooks/drafts.ts";
import { toSignNothingLines, toUnusedRunId } from "../../runbooks/sign-nothing.ts";

const run = {
  runId: "first-cut",
  documentId: "knowledge/a.md",
  usedIds: ["first-cut", "first-cut.dryrun", "FIRST-CUT-2"],
};
const lines = (facts: CutterError["facts"], code: "SIGN_NOTHING" | "RUN_ID_TAKEN" = "SIGN_NOTHING"): readonly string[] =>
  toSignNothingLines(new CutterError(code, facts), run, (argv) => [...argv, "--stack", "s"].join(" "));

describe("sign nothing", () => {
  it.each([
    ["a run that is closed", { reason: "run_closed", how: "done" }],
    ["rows that moved since", { reason: "rows_moved_since", by_run: "run-0" }],
    ["an id taken by another request", { reason: "request_differs" }],
  ])("says for %s that a new id leads on, one that nobody has", (_what, facts) => {
    const said = lines(facts);
    expect(said[0]).toMatch(/^\[ERR\] {2}sign nothing\. SIGN_NOTHING .*→ sign nothing;/);
    expect(said.at(-1)).toBe("    runbooks/prepare --run-id first-cut-3 --document knowledge/a.md --stack s");
  });

  it("names each reason of the dry run with its remedy, and that a done dry run is not made again", () => {
    const said = lines({ reason: "would_refuse", codes: ["GRANT_MATRIX_MISMATCH", "ADDRESSES_TAKEN"] });
    expect(said.filter((line) => /^\[INFO\] (?:GRANT_MATRIX_MISMATCH|ADDRESSES_TAKEN): \S/.test(line))).toHaveLength(2);
    expect(said).toContainEqual(expect.stringContaining("is not made again"));
    expect(said.at(-1)).toBe("    cutter target propose"); // no run id cuts a document again
    expect(lines({ reason: "would_refuse", codes: ["GRANT_MATRIX_MISMATCH"] }).at(-2)).toBe("[INFO] instead, once that is mended:");
  });

  it("points to the run that holds the document, and to a run that is under way itself", () => {
    expect(lines({ reason: "document_claimed", by_run: "run-0" }).at(-1)).toBe("    cutter orchestrate explain --run-id run-0");
    expect(lines({ reason: "gate_used" }).at(-1)).toBe("    cutter orchestrate explain --run-id first-cut");
  });

  it("proposes ids that count on and fit with their suffix", () => {
    expect(toUnusedRunId("r-09", ["r-09"])).toBe("r-10");
    expect(toUnusedRunId("x".repeat(48), [])).toBe(`${"x".repeat(46)}-2`);
  });
});

describe("a draft that was kept", () => {
  const toDraft = (fields: object): string => `# A\n\n\`\`\`cutter-approval\n${JSON.stringify(fields, null, 2)}\n\`\`\`\n\nProse.\n`;
  const fresh = { gate: "SG_1", payload_sha: "a", release_sha256: "b", issued_at: "@ISSUED_AT@" };

  it("is stale by what the host says otherwise now, never by what the signer filled in", () => {
    expect(toStaleFields(Buffer.from(toDraft({ ...fresh, issued_at: "2026-11-22T10:00:00Z" })), toDraft(fresh))).toEqual([]);
    expect(toStaleFields(Buffer.from(toDraft({ ...fresh, payload_sha: "c", release_sha256: "d" })), toDraft(fresh))).toEqual([
      "payload_sha",
      "release_sha256",
    ]);
    expect(toStaleFields(Buffer.from("no block"), toDraft(fresh))).toContain("gate");
  });
});
