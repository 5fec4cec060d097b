// What a phase may reach. Nothing in here can write: that takes WritePorts and a permission.
import type { OrchestratorConfig } from "../core/config-schema.ts";
import type { Census, Connections, DonePhase } from "../core/journal.ts";
import type { DumpSource, Encryptor } from "./backup.ts";
import type { Clock } from "./clock.ts";
import type { ProductionDatabase } from "./database.ts";
import type { KnowledgeBase } from "./knowledge-base.ts";

/** What is fixed for the whole run. */
export interface RunFacts {
  readonly runId: string;
  readonly documentId: string;
  readonly mode: "dryrun" | "live";
  readonly config: OrchestratorConfig;
  readonly approvals: Readonly<Partial<Record<"SG_1" | "SG_2", string>>>; // KB ids
  readonly releaseVersion: string;
  readonly releaseSha256: string | null; // null outside a release
  readonly hostIdentity: string | null;
}

/** What the run's journal says so far; closeout needs it. */
export interface RunHistory {
  readonly before: Census;
  readonly done: readonly DonePhase[];
  readonly connections: Connections; // of earlier starts of this run
  readonly killedAttempts: number;
}

export type SwitchState =
  | { readonly state: "off" }
  | { readonly state: "disabled"; readonly why: string }
  | { readonly state: "armed"; readonly runId: string; readonly until: string | null }
  | { readonly state: "live"; readonly runId: string; readonly since: string | null };

export interface ReadPorts {
  readonly run: RunFacts;
  readonly history: RunHistory;
  readonly database: ProductionDatabase;
  readonly knowledgeBase: Pick<KnowledgeBase, "kind" | "read" | "list">;
  readonly dumpSource: DumpSource;
  readonly encryptor: Encryptor;
  readonly clock: Clock;
  readKillSwitch(): Promise<SwitchState>;
}
