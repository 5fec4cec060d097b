// The internal gate after each phase: it passes by itself, given the receipt of the phase's document, and waits out an outage in sight.
import type { NewKbDocument } from "../core/knowledge-base/document.ts";
import type { Clock } from "../ports/clock.ts";
import type { KbReceipt, KnowledgeBase } from "../ports/knowledge-base.ts";
import type { Reporter } from "../ports/reporter.ts";
import { uploadWithReceipt } from "./receipt.ts";
import type { PhaseName } from "../core/phase-names.ts";

/**
 * Stores the document and reads it back. Never repeats the phase. May be called again with the same document.
 * `signal` ends a wait; what that looks like is the engine's to name. @throws KB_UNAVAILABLE once `waitAtMostMs` is over, and what the
 * receipt refuses
 */
export async function uploadPhaseDocument(upload: {
  readonly phase: PhaseName;
  readonly document: NewKbDocument;
  readonly knowledgeBase: KnowledgeBase;
  readonly clock: Clock;
  readonly reporter: Reporter;
  readonly waitAtMostMs: number;
  readonly signal: AbortSignal;
}): Promise<KbReceipt> {
  return await uploadWithReceipt(upload.knowledgeBase, upload.document, upload.clock, {
    waitAtMostMs: upload.waitAtMostMs,
    onWaiting: (waiting) => upload.reporter.report({ kind: "gate_waiting", phase: upload.phase, waitsOn: "knowledge_base", ...waiting }),
    signal: upload.signal,
  });
}
