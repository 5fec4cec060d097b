// The knowledge base: documents by id, and nothing else. Adapters: agent-data (HTTP), directory-kb.

export interface KbDocument {
  readonly id: string;
  readonly revision: number;
  readonly body: string; // verbatim; sha256 is of its UTF-8 bytes
  readonly sha256: string;
  readonly title: string;
}

export interface KbWritten {
  readonly id: string;
  readonly revision: number;
  readonly status: "created" | "updated";
}

/** Proof that a document is stored: read back in full after the write (decision 29). */
export interface KbReceipt {
  readonly id: string;
  readonly revision: number;
  readonly sha256: string;
}

export interface KbListing {
  readonly documents: readonly { readonly id: string; readonly revision: number; readonly title: string }[]; // in the order of their ids
  readonly skipped: readonly { readonly id: string; readonly why: string }[]; // the id as it was told, of any text
}

export interface KnowledgeBase {
  readonly kind: "agent-data" | "directory";
  /** null when missing or deleted. KB_UNAVAILABLE when it gives no answer or answers 5xx, 408 or 429; other KB_* codes else. */
  read(id: string): Promise<KbDocument | null>;
  /** Upsert. An answer that never came is KB_UNAVAILABLE: read before writing again. */
  write(document: {
    readonly id: string;
    readonly title: string;
    readonly body: string;
    readonly tags: readonly string[];
  }): Promise<KbWritten>;
  /**
   * Writes only where the document stands at `revision` (0: it does not exist), and reads back; null when it stands at another one, was
   * deleted, or another writer's body stands at the revision that was to be ours. What stands there then is not ours: read it.
   * An answer that never came is KB_UNAVAILABLE: read before writing again.
   */
  writeAt(
    document: { readonly id: string; readonly title: string; readonly body: string; readonly tags: readonly string[] },
    revision: number,
  ): Promise<KbWritten | null>;
  /** All documents below a prefix. A row that this program cannot use is left out of `documents` and named in `skipped`. */
  list(prefix: string): Promise<KbListing>;
  /** The clock of the server as its last answer told it, moved on to now; null before any answer, absent where there is no server. */
  readDate?(): Promise<Date | null>;
  close(): Promise<void>;
}
