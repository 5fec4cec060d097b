// The approval and its signature in the knowledge base, each with a receipt, before the approval is used (decision 19).
// An approval is never overwritten.
import { toApprovalId, toSignatureId } from "../../core/approval/document-ids.ts";
import type { VerifiedApproval } from "../../core/approval/verify.ts";
import { sha256Hex } from "../../core/encoding/digest.ts";
import { uploadWithReceipt, type ReceiptOptions } from "../../uploads/receipt.ts";
import type { Clock } from "../../ports/clock.ts";
import type { KbReceipt, KnowledgeBase } from "../../ports/knowledge-base.ts";

export interface UploadedApproval {
  readonly approval: KbReceipt;
  readonly signature: KbReceipt;
}

/**
 * Under approvals/revert.md; where an earlier REVERT stands there, under a name with the first 8 digits of its own UUID, so that nobody has
 * to tidy up first. What stands there already, byte for byte, is not written again. @throws KB_*
 */
export async function uploadApproval(
  { knowledgeBase, clock }: { readonly knowledgeBase: KnowledgeBase; readonly clock: Clock },
  from: {
    readonly kbRunsFolder: string;
    readonly runId: string;
    readonly verified: VerifiedApproval;
    readonly document: Uint8Array;
    readonly signature: Uint8Array;
  },
  options: ReceiptOptions,
): Promise<UploadedApproval> {
  const body = toText(from.document);
  const usual = toApprovalId(from.kbRunsFolder, from.runId, from.verified.approval);
  const current = await knowledgeBase.read(usual);
  const id =
    current === null || current.sha256 === sha256Hex(body)
      ? usual
      : usual.replace(/\.md$/, `-${from.verified.decision.review_decision_id.slice(0, 8)}.md`);
  const title = `Run ${from.runId}: REVERT`;
  const approval = await uploadWithReceipt(knowledgeBase, { id, title, body, tags: ["cutter-approval", "revert"] }, clock, options);
  const signature = await uploadWithReceipt(
    knowledgeBase,
    {
      id: toSignatureId(id, "REVERT", "sovereign"),
      title: `${title}, signature`,
      body: toText(from.signature),
      tags: ["cutter-approval", "signature"],
    },
    clock,
    options,
  );
  return { approval, signature };
}

/** Both were judged before: an approval is UTF-8, an armored signature ASCII. */
function toText(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
}
