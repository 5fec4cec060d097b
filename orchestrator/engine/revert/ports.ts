// Everything a revert may reach. Not among it: a login that could cut, and the kill switch: the latch forbids cutting, not the way back.
import type { BackupStore, DumpSource } from "../../ports/backup.ts";
import type { Clock } from "../../ports/clock.ts";
import type { ProductionDatabase } from "../../ports/database.ts";
import type { Files } from "../../ports/files.ts";
import type { JournalStore } from "../../ports/journal.ts";
import type { KnowledgeBase } from "../../ports/knowledge-base.ts";
import type { FileLocks } from "../../ports/lock.ts";
import type { Recorders } from "../../ports/recorders.ts";
import type { RevertDatabase } from "../../ports/revert-database.ts";

export interface RevertPorts {
  readonly database: Pick<ProductionDatabase, "readDocumentDigest" | "openSnapshot" | "backupTables">;
  readonly reverts: RevertDatabase;
  readonly recorders: Pick<Recorders, "lockDocument">;
  readonly dumpSource: DumpSource;
  readonly backups: BackupStore;
  readonly knowledgeBase: KnowledgeBase;
  readonly clock: Clock;
  readonly files: Files;
  readonly locks: Pick<FileLocks, "acquire">;
  readonly process: { readonly pid: number; readonly bootId: string };
  openJournal(path: string): JournalStore;
  /** Told as it happens, one line each. */
  say(line: string): void;
}
