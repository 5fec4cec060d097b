// The internal gate after each phase: it passes by itself, given the receipt of the phase's document, and waits out an outage.
import { CutterError } from "../core/errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { KbReceipt, KnowledgeBase } from "../ports/knowledge-base.ts";
import type { Reporter } from "../ports/reporter.ts";
import { storeWithReceipt } from "./receipt.ts";

export interface GateDocument {
  readonly id: string;
  readonly title: string;
  readonly body: string;
  readonly tags: readonly string[];
}

const firstPauseMs = 1_000;
const longestPauseMs = 15_000;

/**
 * Stores the document and reads it back. While the knowledge base is out it tries again, with growing pauses, reporting each.
 * Never repeats the phase. May be called again with the same document.
 * @throws KB_UNAVAILABLE once `waitAtMostMs` is over, RUN_INTERRUPTED, and what the receipt refuses
 */
export async function passInternalGate(gate: {
  readonly phase: string;
  readonly document: GateDocument;
  readonly knowledgeBase: KnowledgeBase;
  readonly clock: Clock;
  readonly reporter: Reporter;
  readonly waitAtMostMs: number;
  readonly signal: AbortSignal;
}): Promise<KbReceipt> {
  const sinceMs = gate.clock.monotonicMs();
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
    try {
      return await storeWithReceipt(gate.knowledgeBase, gate.document);
    } catch (error) {
      if (!(error instanceof CutterError && error.code === "KB_UNAVAILABLE")) throw error;
      const waitedMs = gate.clock.monotonicMs() - sinceMs;
      if (waitedMs + pauseMs > gate.waitAtMostMs) throw error;
      gate.reporter.report({ kind: "gate_waiting", phase: gate.phase, waitsOn: "knowledge_base", sinceMs: waitedMs });
    }
    await gate.clock.wait(pauseMs, gate.signal).catch((cause: unknown) => {
      throw new CutterError("RUN_INTERRUPTED", { phase: gate.phase, checkpoint: "internal_gate" }, { cause });
    });
  }
}
