// The locks of this host, one per run id and one per document: fast refusal that tells who. The authority across hosts is PostgreSQL's
// advisory lock.

export interface LockHolder {
  readonly runId: string;
  readonly documentId: string;
  readonly pid: number;
  readonly processStart: string; // clock ticks since boot, from the kernel; "unknown" where it is hidden
  readonly bootId: string; // 32 hex digits
  readonly since: string; // ISO 8601 UTC
}

export interface FileLock {
  readonly path: string;
  /** What was found and taken over: a holder that is certainly gone. */
  readonly replaced: LockHolder | null;
  release(): Promise<void>;
}

export interface FileLocks {
  /**
   * The run id, in whatever letters: one start of a run at a time has its folder and its journal.
   * @throws RUN_LOCKED with the holder, LOCK_DAMAGED
   */
  acquireRun(runId: string, documentId: string): Promise<FileLock>;
  /** @throws DOCUMENT_LOCKED with the holder, LOCK_DAMAGED */
  acquire(runId: string, documentId: string): Promise<FileLock>;
}
