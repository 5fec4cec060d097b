// The token of a live run, as the engine sees it: what was ruled, who signed, by which keys everything else is judged.
import type { Keys } from "../core/approval/verify.ts";

/** A document and its signatures, verbatim. Judged by nobody yet. */
export interface SignedDocument {
  readonly document: Uint8Array;
  readonly signatures: readonly Uint8Array[];
}

export interface LiveToken {
  readonly payloadSha: string; // of the plan the ruling allows
  readonly start: number; // this start, counted from 1
  readonly starts: number; // how many the ruling allows
  readonly ruling: SignedDocument;
  readonly escalation: SignedDocument | null; // the SG_3 decision this start carries
  readonly escalationKbId: string | null; // where that decision was uploaded
  readonly keys: Keys; // pinned by the token, as they lie on the host
}
