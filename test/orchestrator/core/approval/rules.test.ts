// Binding and freshness: for what an approval counts, and for how long.
import { describe, expect, it } from "vitest";
import { parseApproval } from "../../../../orchestrator/core/approval/parse.ts";
import { requireBinding, type Expected } from "../../../../orchestrator/core/approval/binding.ts";
import { hoursMaxOfGate, requireFresh } from "../../../../orchestrator/core/approval/freshness.ts";
import { approvalGates, type Approval, type ApprovalGate } from "../../../../orchestrator/core/approval/schema.ts";
import { sha256Hex } from "../../../../orchestrator/core/encoding/digest.ts";
import { CutterError } from "../../../../orchestrator/core/errors.ts";
import { entry, expected, host, payload, ruling, sg1, sg2, toDocument, toTime } from "../../../support/approval-material.ts";
import { toRefusal } from "../../../support/refusal-case.ts";

const read = (fields: Readonly<Record<string, unknown>>): Approval => parseApproval(toDocument(fields));
const refusal = (act: () => unknown): unknown => {
  try {
    act();
  } catch (error) {
    return error instanceof CutterError ? { code: error.code, facts: error.facts } : error;
  }
  return "accepted";
};

describe("an approval for something else", () => {
  const other = sha256Hex("something else");
  const cases: readonly (readonly [field: string, change: Expected, code: string])[] = [
    ["gate", { gate: "SG_2" }, "APPROVAL_FOR_ANOTHER field=gate"],
    ["run_id", { runId: "run-2" }, "APPROVAL_FOR_ANOTHER field=run_id"],
    ["document_id", { documentId: "knowledge/dev/another.md" }, "APPROVAL_FOR_ANOTHER field=document_id"],
    ["phase", { phase: "lifecycle_enact" }, "APPROVAL_FOR_ANOTHER field=phase"],
    ["decision", { decision: "resume" }, "APPROVAL_FOR_ANOTHER field=decision"],
    ["host", { host: other }, "APPROVAL_FOR_ANOTHER field=host"],
    ["release_sha256", { releaseSha256: other }, "APPROVAL_OUTDATED field=release_sha256"],
    ["payload_sha", { payloadSha: other }, "APPROVAL_OUTDATED field=payload_sha"],
  ];
  it.each(cases)("is refused by %s, with what was expected and what was found", (field, change, code) => {
    const approval = read(sg1());
    expect(refusal(() => requireBinding(approval, { ...expected, ...change }))).toMatchObject({
      code: toRefusal(code).code,
      facts: { field, expected: Object.values(change)[0] },
    });
    expect(refusal(() => requireBinding(approval, expected))).toBe("accepted");
  });

  it.each([
    ["document_sha256", { documentSha256: other }, "APPROVAL_OUTDATED field=document_sha256"],
    ["governance_principal", { governancePrincipal: "cutter_exec" }, "APPROVAL_OUTDATED field=governance_principal"],
    ["rollback_runbook_sha256", { rollbackRunbookSha256: other }, "APPROVAL_OUTDATED field=rollback_runbook_sha256"],
    ["grant_matrix_sha256", { grantMatrixSha256: other }, "APPROVAL_OUTDATED field=grant_matrix_sha256"],
  ] as const)("is refused for a ruling by %s", (field, change, code) => {
    expect(refusal(() => requireBinding(read(ruling()), { ruling: change }))).toMatchObject({
      code: toRefusal(code).code,
      facts: { field },
    });
  });

  it("is told apart per entry of a batch: each run has its own plan, document and UUID", () => {
    const approval = read(sg2({ entries: [entry()] }));
    const second = {
      gate: "SG_2",
      runId: "run-2",
      documentId: "knowledge/dev/other.md",
      payloadSha: sha256Hex("another plan"),
      host,
    } as const;
    expect(requireBinding(approval, second).decision.review_decision_id).toBe(entry()["review_decision_id"]);
    expect(refusal(() => requireBinding(approval, { ...second, payloadSha: payload }))).toMatchObject({
      code: "APPROVAL_OUTDATED",
      facts: { field: "payload_sha" },
    });
    expect(refusal(() => requireBinding(approval, { ...second, documentId: "knowledge/dev/harmless.md" }))).toMatchObject({
      code: "APPROVAL_FOR_ANOTHER",
      facts: { field: "document_id" },
    });
    expect(refusal(() => requireBinding(approval, { ...second, runId: "run-3" }))).toMatchObject({
      code: "APPROVAL_FOR_ANOTHER",
      facts: { field: "run_id", found: ["run-1", "run-2"] },
    });
  });

  it("names the fields it compared, and none it was not told", () => {
    expect(requireBinding(read(sg1()), {}).compared).toEqual([]);
    expect(requireBinding(read(ruling()), { gate: "RULING", ruling: { governancePrincipal: "directus_secdef" } }).compared).toEqual([
      "gate",
      "governance_principal",
    ]);
  });
});

describe("freshness", () => {
  const now = new Date("2026-11-22T12:00:00Z");
  const at = (ms: number): Date => new Date(now.getTime() + ms);
  const hourMs = 3_600_000;
  const fieldsOf = (gate: ApprovalGate, issuedAt: Date): Readonly<Record<string, unknown>> => {
    const issued_at = toTime(issuedAt);
    if (gate === "SG_2") return sg2({ issued_at });
    if (gate === "SG_3") return sg1({ gate, decision: "void", issued_at });
    return gate === "RULING"
      ? ruling({ issued_at, expires_at: toTime(new Date(issuedAt.getTime() + 24 * hourMs)) })
      : sg1({ gate, issued_at });
  };

  it("lasts as long as the contract says", () => {
    expect(hoursMaxOfGate).toEqual({ SG_1: 24, SG_2: 12, SG_3: 12, RULING: 24, REVERT: 12 });
  });

  it.each(approvalGates)("of %s ends at its hour, to the second, by either date", (gate) => {
    const limit = hoursMaxOfGate[gate] * hourMs;
    const judge = (issuedAt: Date, signedAt: Date): unknown => refusal(() => requireFresh(read(fieldsOf(gate, issuedAt)), [signedAt], now));
    const last = gate === "RULING" ? -limit + 1000 : -limit; // at expires_at itself it has expired
    expect(judge(at(last), at(last))).toBe("accepted");
    expect(judge(at(-limit - 1000), at(0))).toMatchObject({ code: "APPROVAL_TOO_OLD", facts: { field: "issued_at" } });
    expect(judge(at(0), at(-limit - 1000))).toMatchObject({ code: "APPROVAL_TOO_OLD", facts: { field: "signature" } });
    expect(judge(at(60_000), at(60_000))).toBe("accepted");
    expect(judge(at(61_000), at(0))).toMatchObject({ code: "APPROVAL_FROM_FUTURE", facts: { field: "issued_at" } });
    expect(judge(at(0), at(61_000))).toMatchObject({ code: "APPROVAL_FROM_FUTURE", facts: { field: "signature" } });
  });

  it("of a ruling ends when it says so, and it may not say more than 24 hours, nor end before it begins", () => {
    const judge = (issuedAt: Date, expiresAt: Date): unknown =>
      refusal(() => requireFresh(read(ruling({ issued_at: toTime(issuedAt), expires_at: toTime(expiresAt) })), [at(0)], now));
    expect(judge(at(-hourMs), at(1000))).toBe("accepted");
    expect(judge(at(-hourMs), at(0))).toMatchObject({ code: "APPROVAL_TOO_OLD", facts: { reason: "expired" } });
    expect(judge(at(-hourMs), at(23 * hourMs))).toBe("accepted");
    expect(judge(at(-hourMs), at(23 * hourMs + 1000))).toMatchObject({
      code: "APPROVAL_TEXT_INVALID",
      facts: { reason: "lasts_too_long" },
    });
    expect(judge(at(0), at(0))).toMatchObject({ code: "APPROVAL_TEXT_INVALID", facts: { reason: "lasts_too_long" } });
    expect(judge(at(0), at(-hourMs))).toMatchObject({ code: "APPROVAL_TEXT_INVALID", facts: { reason: "lasts_too_long" } });
  });
});
