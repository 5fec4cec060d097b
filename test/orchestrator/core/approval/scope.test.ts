// What an approval is bound to: five values and no more, in both spellings.
import { expect, it } from "vitest";
import { fromScopeFields, toApprovalScope, toScopeFields } from "../../../../orchestrator/core/approval/scope.ts";

const sha = "a".repeat(64);
const run = { runId: "R-1", documentId: "knowledge/a.md", payloadSha: sha };
const where = { host: "b".repeat(64), releaseSha256: "c".repeat(64) };

it("takes just the scope of values that hold more", () => {
  const more = { units: 3 };
  expect(toApprovalScope({ ...run, ...more }, { ...where, ...more })).toEqual({ ...run, ...where });
});

it("comes back from the spelling of signed documents as it went", () => {
  const scope = toApprovalScope(run, where);
  expect(fromScopeFields(toScopeFields(scope))).toEqual(scope);
  expect(Object.keys(toScopeFields(scope)).toSorted()).toEqual(["document_id", "host", "payload_sha", "release_sha256", "run_id"]);
});
