// Where a journal's bytes are kept: append-only, durable when append returns.

export interface JournalStore {
  /** All bytes so far; empty when there is no journal yet. */
  read(): Promise<Uint8Array>;
  /**
   * Appends one line (without its newline) and fsyncs. An error is a stop, never a retry: the tail may be torn.
   * @throws DISK_FULL, JOURNAL_NOT_WRITTEN; after one of them every append throws it again
   */
  append(line: string): Promise<void>;
  /**
   * Leaves the first `bytes` bytes and `line` behind them, at once or not at all: what an append of ours left behind the last whole line
   * goes only with the line that tells of it. @throws as append
   */
  replaceTail(bytes: number, line: string): Promise<void>;
  close(): Promise<void>;
}
