// A draft is refused as it is; filled and signed by the very commands it prints, with stock tools alone, it passes.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseApproval } from "../../../../orchestrator/core/approval/parse.ts";
import { toApprovalDraft, type DraftRequest } from "../../../../orchestrator/core/approval/draft.ts";
import { toApprovedDecisions } from "../../../../orchestrator/core/approval/schema.ts";
import { verifyApproval } from "../../../../orchestrator/core/approval/verify.ts";
import { sha256Hex } from "../../../../orchestrator/core/encoding/digest.ts";
import { createGpgHome, type GpgHome } from "../../../support/gpg.ts";
import { host, payload, pinned, release } from "../../../support/approval-material.ts";

const run = {
  runId: "run-1",
  documentId: "knowledge/dev/harmless.md",
  payloadSha: payload,
  units: 12,
  sourceSha256: sha256Hex("the document"),
  sourceBytes: 4711,
  sourceRevision: 3,
};
const more = [
  { ...run, runId: "run-2", documentId: "knowledge/dev/other.md" },
  { ...run, runId: "run-3", documentId: "knowledge/dev/third.md" },
];
const rulingFacts = {
  governancePrincipal: null,
  rollbackRunbookSha256: sha256Hex("the runbook"),
  grantMatrixSha256: sha256Hex("the grants"),
};
const place = { host, releaseSha256: release };
const requests = [
  { ...place, gate: "SG_1", run },
  { ...place, gate: "SG_2", run, more: [] },
  { ...place, gate: "SG_2", run, more },
  { ...place, gate: "SG_3", run, phase: "leg_b_record", decision: "resume" },
  { ...place, gate: "RULING", run, ruling: rulingFacts },
  { ...place, gate: "REVERT", run },
] as const satisfies readonly DraftRequest[];

it("says what a start of a ruling is, and what a void ends", () => {
  const textOf = (gate: DraftRequest["gate"]) =>
    requests
      .filter((request) => request.gate === gate)
      .map((request) => toApprovalDraft(request).document)
      .join("");
  expect(textOf("RULING")).toContain(
    "starts is 1 to 5. Every start takes one: the first, each that resumes after a stop or a crash, and the one after the wait for an SG_2",
  );
  expect(textOf("SG_3")).toContain("its claim on the document ends and its run id is never used again");
});

/** What a signer's hand would write. */
const byHand: Readonly<Record<string, string>> = {
  "@WHY_HARMLESS@": "A glossary that nothing depends on.",
  "@ARCHITECT_TEXT_KB_ID@": "knowledge/rulings/ruling-1.md",
  '"@ARCHITECT_TEXT_REVISION@"': "2",
  "@ARCHITECT_TEXT_SHA256@": sha256Hex("the ruling's text"),
  "@GOVERNANCE_PRINCIPAL@": "directus_secdef",
};

let home: GpgHome;
let folder: string;
let sovereign: string;
beforeAll(() => {
  home = createGpgHome();
  sovereign = home.createKey("sovereign", { algorithm: "ed25519" });
  folder = mkdtempSync(join(tmpdir(), "cutter-draft-"));
});
afterAll(() => {
  home.remove();
  rmSync(folder, { recursive: true, force: true });
});

describe.each(requests)("the draft of $gate", (request) => {
  const draft = toApprovalDraft(request);

  it("is refused as it stands: it is strict JSON with placeholders, at least for the UUID and the date", () => {
    expect(() => parseApproval(Buffer.from(draft.document))).toThrowError(expect.objectContaining({ code: "APPROVAL_PLACEHOLDER" }));
    expect(draft.placeholders).toEqual(expect.arrayContaining(["@REVIEW_DECISION_ID@", "@ISSUED_AT@"]));
  });

  it("is refused while any one placeholder is left, by that placeholder or by its field", () => {
    const fill = (text: string, name: string): string =>
      text.replaceAll(
        byHand[`"${name}"`] === undefined ? name : `"${name}"`,
        byHand[`"${name}"`] ?? byHand[name] ?? (name.endsWith("_AT@") ? "2026-11-22T10:00:00Z" : crypto.randomUUID()),
      );
    for (const left of draft.placeholders) {
      const text = draft.placeholders.filter((name) => name !== left).reduce(fill, draft.document);
      expect(() => parseApproval(Buffer.from(text)), left).toThrowError(expect.objectContaining({ code: "APPROVAL_PLACEHOLDER" }));
    }
  });

  it("is accepted once the printed commands have filled and signed it, and binds what was drafted", async () => {
    const file = join(folder, draft.fileName);
    writeFileSync(
      file,
      Object.entries(byHand).reduce((text, [name, value]) => text.replaceAll(name, value), draft.document),
    );
    const commands = draft.commands.filter((command) => !command.includes("EDITOR") && !command.includes("architect.asc"));
    expect(draft.commands.length - commands.length).toBe(request.gate === "RULING" ? 2 : 0);
    execFileSync("sh", ["-euc", commands.join("\n")], {
      cwd: folder,
      env: { PATH: process.env["PATH"], GNUPGHOME: home.directory },
      stdio: "pipe",
    });
    const document = readFileSync(file);
    const signature = readFileSync(`${file}${request.gate === "RULING" ? ".sovereign" : ""}.asc`);
    const expected = { gate: request.gate, runId: "run-1", documentId: run.documentId, payloadSha: payload, host, releaseSha256: release };
    const verified = await verifyApproval({
      document,
      signatures: [signature],
      keys: { sovereign: pinned(home, sovereign), architect: null },
      expected,
      now: new Date(),
    });
    expect(verified.compared).toHaveLength(Object.keys(expected).length);
    expect(new Set(toApprovedDecisions(verified.approval).map(({ review_decision_id }) => review_decision_id)).size).toBe(
      "more" in request ? request.more.length + 1 : 1,
    );
    rmSync(`${file}${request.gate === "RULING" ? ".sovereign" : ""}.asc`);
  });
});

describe("a draft", () => {
  it("is a pure function of what it is told, and has a UUID of its own for every entry of a batch", () => {
    expect(toApprovalDraft(requests[2])).toEqual(toApprovalDraft(requests[2]));
    expect(toApprovalDraft(requests[2]).placeholders).toEqual([
      "@REVIEW_DECISION_ID@",
      "@ISSUED_AT@",
      "@REVIEW_DECISION_ID_2@",
      "@REVIEW_DECISION_ID_3@",
    ]);
  });
});
