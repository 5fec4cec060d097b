// Receipts: a document counts as stored only when it was read back in full and is, byte for byte, what was sent (decision 29).
import { sha256Hex } from "../core/encoding/digest.ts";
import { CutterError } from "../core/errors.ts";
import type { NewKbDocument } from "../core/knowledge-base/document.ts";
import type { Clock } from "../ports/clock.ts";
import type { KbDocument, KbReceipt, KnowledgeBase } from "../ports/knowledge-base.ts";
import { mayStillLand, toWaiting, type Waiting } from "./waiting.ts";

export interface ReceiptOptions {
  readonly waitAtMostMs: number; // from the first try on; 0: no waiting
  /** Told before each pause. */
  readonly onWaiting?: (waiting: Waiting) => void;
  readonly signal?: AbortSignal; // ends a pause; the clock's rejection is passed on
}

const firstPauseMs = 1_000;
const longestPauseMs = 30_000;
const landsWithinMs = 120_000; // seen: 96 s for a million characters, whose embedding is part of the call

/**
 * Stores the document and proves it, waiting out an outage with growing pauses. What is repeated is the decision, never a blind upload:
 * each try reads first, and a body that already stands there gives its receipt without a new revision. A write whose answer did not come is
 * only looked for until it can no longer land, and then sent again. May be called again.
 * @throws KB_UNAVAILABLE (with waited_ms) once `waitAtMostMs` is over, and what `storeWithReceipt` refuses
 */
export async function uploadWithReceipt(
  knowledgeBase: KnowledgeBase,
  document: NewKbDocument,
  clock: Clock,
  options: ReceiptOptions,
): Promise<KbReceipt> {
  const startedMs = clock.monotonicMs();
  let outSinceMs: number | null = null;
  let lost: CutterError | null = null; // a write that may still land
  let landsUntilMs = startedMs;
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
    try {
      if (lost === null || clock.monotonicMs() >= landsUntilMs) return await storeWithReceipt(knowledgeBase, document);
      return await findReceipt(knowledgeBase, document, lost);
    } catch (error) {
      if (!(error instanceof CutterError && error.code === "KB_UNAVAILABLE")) throw error;
      const nowMs = clock.monotonicMs();
      if (mayStillLand(error) && error !== lost) {
        lost = error;
        landsUntilMs = nowMs + landsWithinMs;
      }
      const remainingMs = startedMs + options.waitAtMostMs - nowMs;
      if (remainingMs <= 0)
        throw new CutterError("KB_UNAVAILABLE", { ...error.facts, id: document.id, waited_ms: nowMs - startedMs }, { cause: error });
      outSinceMs ??= nowMs;
      options.onWaiting?.(toWaiting(clock, outSinceMs, remainingMs, error));
      await clock.wait(Math.min(pauseMs, remainingMs), options.signal);
    }
  }
}

/** The receipt of what was sent before, if it has landed meanwhile; else why nobody knows. */
async function findReceipt(knowledgeBase: KnowledgeBase, document: NewKbDocument, error: CutterError): Promise<KbReceipt> {
  const current = await knowledgeBase.read(document.id);
  if (current === null || toSha256(current) !== sha256Hex(document.body)) throw error;
  return toReceipt(current, document.id);
}

/**
 * One try: what stands there already, else write and read back.
 * @throws KB_UNAVAILABLE, KB_READ_BACK_DIFFERS, and what the port throws
 */
export async function storeWithReceipt(knowledgeBase: KnowledgeBase, document: NewKbDocument): Promise<KbReceipt> {
  const expectedSha256 = sha256Hex(document.body);
  const current = await knowledgeBase.read(document.id);
  if (current !== null && toSha256(current) === expectedSha256) return toReceipt(current, document.id);

  const written = await knowledgeBase.write(document);
  const stored = await knowledgeBase.read(document.id);
  if (stored === null || toSha256(stored) !== expectedSha256) {
    throw new CutterError("KB_READ_BACK_DIFFERS", {
      reason: "body",
      id: document.id,
      expected_sha256: expectedSha256,
      found_sha256: stored === null ? "none" : toSha256(stored),
    });
  }
  // A higher one with our body is an upload of ours that landed late; a lower one is another history.
  if (stored.revision < written.revision || (current !== null && stored.revision <= current.revision)) {
    throw new CutterError("KB_READ_BACK_DIFFERS", {
      reason: "revision",
      id: document.id,
      before: current?.revision ?? 0,
      written: written.revision,
      found: stored.revision,
    });
  }
  return toReceipt(stored, document.id);
}

/**
 * For what is not overwritten as long as it counts: what stands there already has to be these very bytes, or be something that `mayReplace`
 * lets go. Written only over what was read, so that two uploads at once cannot replace each other. @throws APPROVAL_TAKEN, and what the
 * port throws
 */
export async function storeUnlessTaken(
  knowledgeBase: KnowledgeBase,
  document: NewKbDocument,
  mayReplace: (current: KbDocument) => boolean,
): Promise<KbReceipt> {
  const taken = (found: string): CutterError =>
    new CutterError("APPROVAL_TAKEN", { id: document.id, expected_sha256: sha256Hex(document.body), found_sha256: found });
  const current = await knowledgeBase.read(document.id);
  if (current !== null && toSha256(current) === sha256Hex(document.body)) return toReceipt(current, document.id);
  if (current !== null && !mayReplace(current)) throw taken(toSha256(current));
  if ((await knowledgeBase.writeAt(document, current?.revision ?? 0)) === null) throw taken("another than was read just now");
  const stored = await knowledgeBase.read(document.id);
  if (stored === null || toSha256(stored) !== sha256Hex(document.body)) throw taken(stored === null ? "none" : toSha256(stored));
  return toReceipt(stored, document.id);
}

function toReceipt(stored: KbDocument, id: string): KbReceipt {
  if (stored.id !== id) throw new CutterError("KB_READ_BACK_DIFFERS", { reason: "document", id });
  return { id, revision: stored.revision, sha256: toSha256(stored) };
}

/** Taken from the bytes here, whatever an adapter says it is. */
function toSha256(stored: KbDocument): string {
  return sha256Hex(stored.body);
}
