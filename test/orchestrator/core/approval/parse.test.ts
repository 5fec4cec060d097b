// What an approval document may look like, and every way it may not.
import { describe, expect, it } from "vitest";
import { parseApproval } from "../../../../orchestrator/core/approval/parse.ts";
import { approvalSchema, toApprovedDecisions } from "../../../../orchestrator/core/approval/schema.ts";
import { CutterError } from "../../../../orchestrator/core/errors.ts";
import { around, entry, ruling, sg1, sg2, toDocument, uuid } from "../../../support/approval-material.ts";

const refusal = (bytes: Uint8Array): unknown => {
  try {
    parseApproval(bytes);
  } catch (error) {
    return error instanceof CutterError ? { code: error.code, facts: error.facts } : error;
  }
  return "accepted";
};
const json = JSON.stringify(sg1());
const fence = "```";

describe("an approval document", () => {
  it.each([
    ["SG_1", sg1()],
    ["SG_2", sg2()],
    ["SG_2 with a batch", sg2({ entries: [entry()] })],
    ["SG_3 to resume", sg1({ gate: "SG_3", decision: "resume", phase: "leg_b_record" })],
    ["SG_3 to void", sg1({ gate: "SG_3", decision: "void", phase: "cut_leg_a" })],
    ["RULING", ruling()],
    ["REVERT", sg1({ gate: "REVERT" })],
  ])("is read for %s, as it was written", (_gate, fields) => {
    expect(parseApproval(toDocument(fields))).toEqual(fields);
  });

  it("is read with CRLF, with a heading and prose before, with nothing behind the block, and with other fences in its prose", () => {
    const texts = [
      toDocument(sg1()).toString().replaceAll("\n", "\r\n"),
      `Title\n=====\n${fence}cutter-approval\n${json}\n${fence}`,
      `${around(json).toString()}\n${fence}json\n{}\n${fence}\nDấu tiếng Việt, cutter-approval.\n`,
    ];
    // a setext underline is no plain line
    expect(refusal(Buffer.from(texts[1] ?? ""))).toMatchObject({ code: "APPROVAL_TEXT_INVALID", facts: { reason: "block" } });
    for (const text of [texts[0], texts[1]?.replace("=====\n", ""), texts[2]]) expect(refusal(Buffer.from(text ?? ""))).toBe("accepted");
  });

  it.each([
    ["no block", "Some prose.\n"],
    ["an empty file", ""],
    ["two blocks", `${around(json).toString()}${around(json).toString()}`],
    ["a second block with tildes", `${around(json).toString()}\n~~~cutter-approval\n${json}\n~~~\n`],
    ["a second block in a quote", `${around(json).toString()}\n> ${fence}cutter-approval\n> ${json}\n> ${fence}\n`],
    ["a second block in a list", `${around(json).toString()}\n- ${fence}cutter-approval\n`],
    ["a second block whose name is spelled with an entity", `${around(json).toString()}\n${fence}&#99;utter-approval\n{}\n${fence}\n`],
    ["a second block whose name is spelled with a backslash", `${around(json).toString()}\n${fence}cutter\\-approval\n{}\n${fence}\n`],
    ["another letter case", `${fence}Cutter-Approval\n${json}\n${fence}\n`],
    ["more words after its name", `${fence}cutter-approval v1\n${json}\n${fence}\n`],
    ["a blank before its name", `${fence} cutter-approval\n${json}\n${fence}\n`],
    ["a longer fence", `${fence}\`cutter-approval\n${json}\n${fence}\`\n`],
    ["an indented fence", ` ${fence}cutter-approval\n${json}\n ${fence}\n`],
    ["no end", `${fence}cutter-approval\n${json}\n`],
    ["a comment around the block", `<!--\n${fence}cutter-approval\n${json}\n${fence}\n-->\n`],
    ["another fence around the block", `~~~\n${fence}cutter-approval\n${json}\n${fence}\n~~~\n`],
    ["front matter around the block", `---\n${fence}cutter-approval\n${json}\n${fence}\n---\n`],
  ])("is refused with %s", (_what, text) => {
    expect(refusal(Buffer.from(text))).toMatchObject({ code: "APPROVAL_TEXT_INVALID", facts: { reason: "block" } });
  });

  it("is refused when it is not UTF-8, or too long", () => {
    expect(refusal(Buffer.concat([toDocument(sg1()), Buffer.from([0xff])]))).toMatchObject({
      code: "APPROVAL_TEXT_INVALID",
      facts: { reason: "not_utf8" },
    });
    expect(refusal(Buffer.concat([toDocument(sg1()), Buffer.from([0xed, 0xa0, 0x80])]))).toMatchObject({
      code: "APPROVAL_TEXT_INVALID",
      facts: { reason: "not_utf8" },
    });
    expect(refusal(Buffer.concat([toDocument(sg1()), Buffer.alloc(200_000, "x")]))).toMatchObject({
      code: "APPROVAL_TEXT_INVALID",
      facts: { reason: "too_large" },
    });
  });

  it.each([
    ["a right-to-left override", "\u202e", "U+202E"],
    ["an isolate", "\u2066", "U+2066"],
    ["a zero width space", "\u200b", "U+200B"],
    ["an escape", "\u001b", "U+001B"],
    ["a NUL", "\0", "U+0000"],
    ["a C1 control", "\u009b", "U+009B"],
    ["a lone carriage return", "\r", "U+000D"],
    ["a line separator", "\u2028", "U+2028"],
    ["a tag character", "\u{e0041}", "U+E0041"],
    ["a byte order mark", "\ufeff", "U+FEFF"],
  ])("is refused with %s in its prose, and in its block by escape", (_what, character, name) => {
    expect(refusal(Buffer.concat([toDocument(sg1()), Buffer.from(`x${character}y`)]))).toMatchObject({
      code: "APPROVAL_TEXT_INVALID",
      facts: { reason: "character_forbidden", character: name },
    });
    const escaped = [...Array(character.length).keys()]
      .map((index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, "0")}`)
      .join("");
    expect(refusal(around(JSON.stringify(ruling()).replace("A glossary", `A ${escaped}glossary`)))).toMatchObject({
      code: "APPROVAL_TEXT_INVALID",
      facts: { reason: "character_forbidden", at: "why_harmless", character: name },
    });
  });

  it("is refused with a byte order mark at its very beginning", () => {
    expect(refusal(Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), toDocument(sg1())]))).toMatchObject({
      code: "APPROVAL_TEXT_INVALID",
      facts: { reason: "character_forbidden", character: "U+FEFF" },
    });
  });

  it.each([
    ["duplicate keys", json.replace("{", '{"gate":"SG_2",')],
    ["__proto__", json.replace("{", '{"__proto__":{},')],
    ["two values", `${json}\n${json}`],
    ["10,000-deep nesting", json.replace("{", `{"entries":${"[".repeat(10_000)}${"]".repeat(10_000)},`)],
    ["a lone surrogate", json.replace("run-1", "run-\\ud800")],
  ])("is refused with %s in its block", (_what, text) => {
    expect(refusal(around(text))).toMatchObject({ code: "APPROVAL_TEXT_INVALID", facts: { reason: "json" } });
  });
});

describe("a field", () => {
  const cases: readonly (readonly [field: string, fields: Readonly<Record<string, unknown>>])[] = [
    ["schema", sg1({ schema: "cutter.approval/2" })],
    ["gate", sg1({ gate: "SG_4" })],
    ["gate", sg1({ gate: undefined })],
    ["decision", sg1({ decision: "reject" })],
    ["decision", sg1({ gate: "SG_3", decision: "approve" })],
    ["phase", sg1({ phase: "lifecycle_enact" })],
    ["phase", sg2({ phase: "cut_leg_a" })],
    ["phase", sg1({ gate: "SG_3", decision: "void", phase: "mark" })],
    ["run_id", sg1({ run_id: "../x" })],
    ["run_id", sg1({ run_id: "run-1.dryrun" })],
    ["run_id", sg1({ run_id: 7 })],
    ["document_id", sg1({ document_id: "knowledge/../secret.md" })],
    ["payload_sha", sg1({ payload_sha: "ABC" })],
    ["payload_sha", sg1({ payload_sha: undefined })],
    ["review_decision_id", sg1({ review_decision_id: uuid.toUpperCase() })],
    ["review_decision_id", sg1({ review_decision_id: "0f9b2c1e-6a57-1d0c-9d5e-3b0f6f1a2c4d" })],
    ["review_decision_id", sg1({ review_decision_id: "00000000-0000-0000-0000-000000000000" })],
    ["issued_at", sg1({ issued_at: "2026-11-22T10:00:00+00:00" })],
    ["issued_at", sg1({ issued_at: "2026-02-30T10:00:00Z" })],
    ["issued_at", sg1({ issued_at: "2026-11-22T10:00:00.000Z" })],
    ["host", sg1({ host: "production" })],
    ["release_sha256", sg1({ release_sha256: null })],
    ["entries", sg1({ entries: [entry()] })],
    ["entries", sg2({ entries: [] })],
    ["entries", sg2({ entries: Array.from({ length: 201 }, () => entry()) })],
    ["entries.0.phase", sg2({ entries: [entry({ phase: "cut_leg_a" })] })],
    ["entries.0.gate", sg2({ entries: [entry({ gate: "SG_1" })] })],
    ["force", sg1({ force: true })],
    ["expires_at", sg1({ expires_at: "2026-11-22T10:00:00Z" })],
    ["why_harmless", ruling({ why_harmless: "          " })],
    ["starts", ruling({ starts: 6 })],
    ["starts", ruling({ starts: 0 })],
    ["starts", ruling({ starts: 1.5 })],
    ["accepts.0", ruling({ accepts: ["EVERYTHING"] })],
    ["accepts", ruling({ accepts: ["PRINCIPAL_TOO_STRONG", "PRINCIPAL_TOO_STRONG"] })],
    ["governance_principal", ruling({ governance_principal: "workflow_admin" })],
    ["architect_text.revision", ruling({ architect_text: { kb_id: "knowledge/a.md", revision: "3", sha256: "0".repeat(64) } })],
    ["rollback_runbook_sha256", ruling({ rollback_runbook_sha256: undefined })],
  ];
  it.each(cases)("%s that does not fit is named, with what was expected and found", (field, fields) => {
    expect(refusal(toDocument(fields))).toMatchObject({
      code: "APPROVAL_TEXT_INVALID",
      facts: { reason: "field", field, expected: expect.stringMatching(/./), found: expect.stringMatching(/./) },
    });
  });

  it("says of a value of another type which type it has", () => {
    const architectText = (revision: unknown) => ruling({ architect_text: { kb_id: "knowledge/a.md", revision, sha256: "0".repeat(64) } });
    expect(refusal(toDocument(architectText("1")))).toMatchObject({ facts: { expected: "a number, no quotes", found: "the text 1" } });
    expect(refusal(toDocument(sg1({ run_id: 7 })))).toMatchObject({ facts: { expected: "a text, in quotes", found: "the number 7" } });
  });

  it("is demanded by every gate, whichever is left out", () => {
    for (const fields of [sg1(), sg2(), sg1({ gate: "SG_3", decision: "void" }), sg1({ gate: "REVERT" }), ruling()]) {
      for (const name of Object.keys(fields)) {
        expect(refusal(toDocument({ ...fields, [name]: undefined })), name).toMatchObject({
          code: "APPROVAL_TEXT_INVALID",
          facts: { reason: "field", field: name },
        });
      }
    }
    expect(approvalSchema.options).toHaveLength(5);
  });

  it("with a placeholder is a draft", () => {
    expect(refusal(toDocument(sg1({ issued_at: "@ISSUED_AT@" })))).toEqual({
      code: "APPROVAL_PLACEHOLDER",
      facts: { field: "issued_at", found: "@ISSUED_AT@" },
    });
    expect(refusal(toDocument(ruling({ why_harmless: "@WHY_HARMLESS@ indeed it is" })))).toMatchObject({ code: "APPROVAL_PLACEHOLDER" });
  });

  it("that holds what looks like a secret is not repeated when its name is unknown", () => {
    expect(JSON.stringify(refusal(toDocument(sg1({ password: "hunter2-hunter2" }))))).not.toContain("hunter2");
  });
});

describe("a batch", () => {
  it("gives one decision for the document itself and one for each entry", () => {
    expect(toApprovedDecisions(parseApproval(toDocument(sg2({ entries: [entry()] })))).map(({ run_id }) => run_id)).toEqual([
      "run-1",
      "run-2",
    ]);
  });

  it("is refused when one UUID stands for two decisions, among the entries or with the document's own", () => {
    const second = entry({ run_id: "run-3", document_id: "knowledge/dev/third.md" });
    expect(refusal(toDocument(sg2({ entries: [entry(), second] })))).toMatchObject({
      code: "APPROVAL_UUID_REUSED",
      facts: { reason: "collapsed", at: "entries.1" },
    });
    expect(refusal(toDocument(sg2({ entries: [entry({ review_decision_id: uuid })] })))).toMatchObject({
      code: "APPROVAL_UUID_REUSED",
      facts: { reason: "collapsed", at: "entries.0" },
    });
  });

  it("is refused when it names a run or a document twice, also in another letter case", () => {
    const other = { review_decision_id: "22222222-2222-4333-8444-555555555555" };
    expect(refusal(toDocument(sg2({ entries: [entry(), entry({ ...other, document_id: "knowledge/dev/third.md" })] })))).toMatchObject({
      code: "APPROVAL_TEXT_INVALID",
      facts: { reason: "entry_doubled", run_id: "run-2" },
    });
    expect(refusal(toDocument(sg2({ entries: [entry({ run_id: "RUN-1" })] })))).toMatchObject({
      code: "APPROVAL_TEXT_INVALID",
      facts: { reason: "entry_doubled" },
    });
    expect(refusal(toDocument(sg2({ entries: [entry(), entry({ ...other, run_id: "run-3" })] })))).toMatchObject({
      code: "APPROVAL_TEXT_INVALID",
      facts: { reason: "entry_doubled", document_id: "knowledge/dev/other.md" },
    });
  });
});
