// Everything the engine is given: the phases' read-only ports, and what the engine alone may use.
import type { Clock } from "../../ports/clock.ts";
import type { BackupStore, DumpSource, Encryptor } from "../../ports/backup.ts";
import type { ProductionDatabase } from "../../ports/database.ts";
import type { Files } from "../../ports/files.ts";
import type { JournalStore } from "../../ports/journal.ts";
import type { KnowledgeBase } from "../../ports/knowledge-base.ts";
import type { LiveToken } from "../../ports/live-token.ts";
import type { FileLocks } from "../../ports/lock.ts";
import type { StopNotice } from "../../ports/notice.ts";
import type { Recorders } from "../../ports/recorders.ts";
import type { Reporter } from "../../ports/reporter.ts";
import type { SwitchState } from "../../ports/run-ports.ts";
import type { WriteDatabase } from "../../ports/write-database.ts";

export interface EnginePorts {
  readonly database: ProductionDatabase;
  readonly recorders: Recorders;
  readonly knowledgeBase: KnowledgeBase;
  readonly dumpSource: DumpSource;
  readonly encryptor: Encryptor;
  /** The write side: nothing of it can be called without a permission, which only permission.ts makes. */
  readonly writeDatabase: WriteDatabase;
  readonly backups: BackupStore;
  readonly clock: Clock;
  readonly files: Files;
  readonly locks: FileLocks;
  readonly reporter: Reporter;
  readonly process: { readonly pid: number; readonly bootId: string };
  openJournal(path: string): JournalStore;
  readKillSwitch(): Promise<SwitchState>;
  /** The kill switch's answer for this run; asked in live mode before anything else. */
  executionEnabled(runId: string): Promise<boolean>;
  /** The token of the run now live. Throws when it is gone or damaged. */
  readLiveToken(runId: string): Promise<LiveToken>;
  /** Tells notify_command of a stop, bounded in time; null where none is configured. @throws NOTIFY_FAILED */
  readonly notify: ((stop: StopNotice) => Promise<void>) | null;
}
