// What a phase may reach. Nothing in here can write: that takes WritePorts and a permission.
import type { OrchestratorConfig } from "../core/config-schema.ts";
import type { Census, Connections, DonePhase } from "../core/journal/status.ts";
import type { BackupStore, DumpSource, Encryptor } from "./backup.ts";
import type { Clock } from "./clock.ts";
import type { ProductionDatabase } from "./database.ts";
import type { KnowledgeBase } from "./knowledge-base.ts";
import type { Recorders } from "./recorders.ts";
import type { WriteDatabase } from "./write-database.ts";

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
  readonly decided: Decided; // live runs only
}

/** A decision of the sovereign that this run relies on: verified, and its row recorded or about to be. */
export interface DecidedApproval {
  readonly gate: "SG_1" | "SG_2";
  readonly reviewDecisionId: string;
  readonly payloadSha: string;
  readonly approvalKbId: string;
  readonly approvalSha256: string;
  readonly signatures: readonly {
    readonly role: "sovereign" | "architect";
    readonly fingerprint: string;
    readonly signatureSha256: string;
  }[];
}

type Decided = Readonly<Partial<Record<"SG_1" | "SG_2", DecidedApproval>>>;

export type SwitchState =
  | { readonly state: "off" }
  | { readonly state: "disabled"; readonly why: string }
  | { readonly state: "armed"; readonly runId: string; readonly until: string | null }
  | { readonly state: "live"; readonly runId: string; readonly since: string | null };

export interface ReadPorts {
  readonly run: RunFacts;
  readonly history: RunHistory;
  readonly database: ProductionDatabase;
  readonly recorders: Recorders;
  readonly knowledgeBase: Pick<KnowledgeBase, "kind" | "read" | "list">;
  readonly dumpSource: DumpSource;
  readonly encryptor: Encryptor;
  readonly clock: Clock;
  readKillSwitch(): Promise<SwitchState>;
}

/** What `apply` of a write phase may reach besides: everything here asks for the permission. */
export interface LivePorts extends ReadPorts {
  readonly writeDatabase: WriteDatabase;
  readonly backups: BackupStore;
}
