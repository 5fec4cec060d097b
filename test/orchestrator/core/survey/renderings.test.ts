// The four forms of a survey: the schema of the contract, the seed's seven sections, a page that asks nobody anything.
import { describe, expect, test } from "vitest";
import { parseHostFacts } from "../../../../orchestrator/core/host/facts.ts";
import { phaseNames } from "../../../../orchestrator/core/phase-names.ts";
import { noRestoreProofs } from "../../../../orchestrator/core/gaps/restore-proof.ts";
import { noRulings } from "../../../../orchestrator/core/gaps/archived-rulings.ts";
import { envNames } from "../../../../orchestrator/core/host/secret-names.ts";
import { renderSurvey } from "../../../../orchestrator/core/survey/renderings.ts";
import { toClosingLine } from "../../../../orchestrator/core/survey/text.ts";
import { toSurvey, type Survey } from "../../../../orchestrator/core/survey/survey.ts";
import { readyLines, spoil } from "../../../support/survey-facts.ts";

const takenAt = new Date("2026-11-22T10:00:00Z");
const survey = (text = readyLines().join("\n")): Survey =>
  toSurvey(parseHostFacts(text), { hostName: "contabo", takenAt, rulings: noRulings, restoreProofs: noRestoreProofs });

describe("--json", () => {
  test("has exactly the fields of cutter.survey/1", () => {
    const parsed = JSON.parse(renderSurvey(survey(), "json")) as Survey;
    expect(Object.keys(parsed)).toEqual([
      "schema",
      "host",
      "taken_at",
      "gaps",
      "findings",
      "execution",
      "phases",
      "approvals",
      "roles",
      "secrets",
      "config",
      "rollback",
      "result",
    ]);
    expect(parsed.schema).toBe("cutter.survey/1");
    expect(parsed.taken_at).toBe("2026-11-22T10:00:00.000Z");
    for (const gap of parsed.gaps) expect(Object.keys(gap)).toEqual(["id", "state", "summary", "evidence"]);
    expect(parsed.gaps.map(({ id }) => id)).toEqual([1, 2, 3, 4, 5, 6, 7, 8].map((number) => `GAP-${number}`));
    expect(parsed.secrets.map(({ name }) => name)).toEqual(envNames.map(({ name }) => name));
    expect(parsed.phases.map(({ name }) => name)).toEqual([...phaseNames]);
  });

  test("tells the state of execution, and that a survey enables nothing", () => {
    expect(survey().execution).toMatchObject({ enabled: false, state: "off", run_id: null });
    expect(survey(spoil(/^(end\tok)$/, "armed\tR-1\n$1")).execution).toMatchObject({ enabled: false, state: "armed", run_id: "R-1" });
    expect(survey(spoil(/^(end\tok)$/, "live\tR-1\n$1")).execution).toMatchObject({ enabled: true, state: "live", run_id: "R-1" });
    expect(survey(spoil(/^path\tabsent\t\t\t\t0\t(.*DISABLED)/, "path\tfile\t644\troot\troot\t0\t$1")).execution).toMatchObject({
      enabled: false,
      state: "disabled",
    });
  });

  test("the result follows the gaps", () => {
    expect(survey().result).toMatchObject({ summary: "SURVEYED: 6 of 8 gaps closed", ready_for_dry_run: true, ready_for_live: false });
    expect(survey(spoil(/^current\t.*$/, "")).result).toMatchObject({ ready_for_dry_run: false });
  });
});

describe("--markdown", () => {
  test("regenerates the seed's report, section by section, with both names of each secret", () => {
    const markdown = renderSurvey(survey(), "markdown");
    expect(markdown.split("\n").filter((line) => line.startsWith("## "))).toEqual([
      "## 1. What “enabling execution” means",
      "## 2. Which phases mutate production",
      "## 3. Which approvals are required",
      "## 4. Roles, secrets and config needed",
      "## 5. Rollback and disable path that exists today",
      "## 6. Readiness gap list (exact)",
      "## 7. Result",
    ]);
    expect(markdown).toContain("| AGENT_DATA_API_KEY | AGENT_DATA_API_TOKEN | present in");
    expect(markdown).toContain("| DOT_CUTTER_EXEC_DB_PASSWORD | CUTTER_EXEC_DSN |");
    expect(markdown).toContain("6 of 11 phases are non-mutating");
    expect(markdown).toContain("phases 4, 6, 8, 9, 10 plus the two review_decision rows");
  });

  test("a value from the host opens no table cell and no link", () => {
    expect(renderSurvey(survey(spoil(/^hostname\tvps$/, "hostname\tvps").replace("postgres:18", "x")), "markdown")).not.toContain("<");
    const named = toSurvey(parseHostFacts(readyLines().join("\n")), {
      hostName: "a|b[c](d)<e>",
      takenAt,
      rulings: noRulings,
      restoreProofs: noRestoreProofs,
    });
    expect(renderSurvey(named, "markdown")).toContain("a\\|b\\[c\\](d)\\<e\\>");
  });
});

describe("--html", () => {
  test("is one page without script or request, and shows what the host says as text", () => {
    const html = renderSurvey(
      toSurvey(parseHostFacts(readyLines().join("\n")), {
        hostName: "<script>alert(1)</script>",
        takenAt,
        rulings: noRulings,
        restoreProofs: noRestoreProofs,
      }),
      "html",
    );
    expect(html).not.toMatch(/<script|<img|<link|src=|@import|url\(/);
    expect(html).toContain("&#60;script&#62;alert(1)");
    expect(html).toContain("default-src 'none'");
    expect(html.match(/<h2 /g)).toHaveLength(7);
    expect(html).toMatch(/^<!doctype html>\n<html lang="en">/);
  });
});

describe("as text", () => {
  test("each gap with its state and evidence, one closing line", () => {
    const text = renderSurvey(survey(), "text");
    expect(text).toContain("[OK]   GAP-1 closed v0.6 orchestrator code on the host");
    expect(text).toContain("[WARN] GAP-7 open   a ruling that authorises a live cut");
    expect(text.trimEnd().split("\n").at(-1)).toBe(
      "[ERR]  SURVEYED: 6 of 8 gaps closed; open: GAP-7, GAP-8; findings that need a person: RESTORE_PROOF_MISSING; " +
        "ready for a live run: no",
    );
  });

  test.each([
    ["red", "[ERR]  ", "; findings that need a person: X"],
    ["warning", "[WARN] ", "; warnings: X"],
    ["note", "[OK]   ", ""],
  ] as const)("closes as bad as its worst finding: %s", (severity, label, named) => {
    const whole = survey();
    const gaps = whole.gaps.map((gap) => ({ ...gap, state: "closed" as const }));
    const line = toClosingLine({ ...whole, gaps, findings: [{ code: "X", severity, summary: "x" }] });
    expect(line).toBe(`${label}SURVEYED: 6 of 8 gaps closed${named}; ready for a live run: no`);
  });
});
