// Where approvals of a run stand in the knowledge base. A signature is a document of its own beside its approval: the armored text,
// verbatim. Pure.
import type { Approval, ApprovalGate } from "./schema.ts";
import type { SignerRole } from "./verify.ts";

/** The ids a live request names, before anything is signed. */
export function toRequestApprovals(kbRunsFolder: string, runId: string): { readonly SG_1: string; readonly SG_2: string } {
  const folder = toFolder(kbRunsFolder, runId);
  return { SG_1: `${folder}/sg-1.md`, SG_2: `${folder}/sg-2.md` };
}

/**
 * The id of one approval of run `runId`. A ruling and a decision on a failure may come more than once, so their own UUIDs tell them apart.
 */
export function toApprovalId(kbRunsFolder: string, runId: string, approval: Pick<Approval, "gate" | "review_decision_id">): string {
  const own = approval.review_decision_id.slice(0, 8);
  const names: Readonly<Record<ApprovalGate, string>> = {
    SG_1: "sg-1",
    SG_2: "sg-2",
    SG_3: `sg-3-${own}`,
    RULING: `ruling-${own}`,
    REVERT: "revert",
  };
  return `${toFolder(kbRunsFolder, runId)}/${names[approval.gate]}.md`;
}

/** The id of a signature: `sg-1-asc.md`; of a ruling, which has several signers, `ruling-<…>-sovereign-asc.md`. */
export function toSignatureId(approvalId: string, gate: ApprovalGate, role: SignerRole): string {
  return `${approvalId.slice(0, -".md".length)}${gate === "RULING" ? `-${role}` : ""}-asc.md`;
}

function toFolder(kbRunsFolder: string, runId: string): string {
  return `${kbRunsFolder}/${runId.toLowerCase()}/approvals`;
}
