// Where a journal's bytes are kept: append-only, durable when append returns.

export interface JournalStore {
  /** All bytes so far; empty when there is no journal yet. */
  read(): Promise<Uint8Array>;
  /**
   * Appends one line (without its newline) and fsyncs. An error is a stop, never a retry: the tail may be torn.
   * @throws JOURNAL_NOT_WRITTEN
   */
  append(line: string): Promise<void>;
  close(): Promise<void>;
}
