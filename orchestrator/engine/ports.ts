// Everything the engine is given: the phases' read-only ports, and what the engine alone may use.
import type { Clock } from "../ports/clock.ts";
import type { DumpSource, Encryptor } from "../ports/backup.ts";
import type { ProductionDatabase } from "../ports/database.ts";
import type { Files } from "../ports/files.ts";
import type { JournalStore } from "../ports/journal.ts";
import type { KnowledgeBase } from "../ports/knowledge-base.ts";
import type { DocumentLocks } from "../ports/lock.ts";
import type { Recorders } from "../ports/recorders.ts";
import type { Reporter } from "../ports/reporter.ts";
import type { SwitchState } from "../ports/run-ports.ts";

export interface EnginePorts {
  readonly database: ProductionDatabase;
  readonly recorders: Recorders;
  readonly knowledgeBase: KnowledgeBase;
  readonly dumpSource: DumpSource;
  readonly encryptor: Encryptor;
  readonly clock: Clock;
  readonly files: Files;
  readonly locks: DocumentLocks;
  readonly reporter: Reporter;
  readonly process: { readonly pid: number; readonly bootId: string };
  openJournal(path: string): JournalStore;
  readKillSwitch(): Promise<SwitchState>;
  /** The kill switch's answer for this run; asked in live mode before anything else. */
  executionEnabled(runId: string): Promise<boolean>;
}
