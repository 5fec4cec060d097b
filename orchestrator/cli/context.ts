// What every command is given. Commands know no adapter; compose.ts fills this in, tests fill in their own.
import type { CommandContext } from "@stricli/core";
import type { OrchestratorConfig } from "../core/config-schema.ts";
import type { TriedConnection } from "../core/host/connections.ts";
import type { ReleaseManifest } from "../core/host/release-manifest.ts";
import type { HostView } from "../engine/explain/host-view.ts";
import type { EnginePorts } from "../engine/kernel/ports.ts";
import type { RevertPorts } from "../engine/revert/ports.ts";
import type { Clock } from "../ports/clock.ts";
import type { ProductionDatabase } from "../ports/database.ts";
import type { Files } from "../ports/files.ts";
import type { Reporter } from "../ports/reporter.ts";

/** Where things are; hostLayout, or a test's folders. */
interface HostPaths {
  readonly config: string;
  readonly requests: string;
  readonly results: string;
  readonly ownership: string; // root's alone
  readonly latch: string;
  readonly armed: string;
  readonly live: string;
  readonly keys: string;
  readonly restoreProofs: string; // root's
  readonly rollbackRunbook: string;
  readonly revertStaging: string;
  /** Where one start of a unit tells what it came to; the folder is made for that start and goes with it. Null outside a unit. */
  readonly startResult: string | null;
}

export interface InstalledRelease {
  readonly root: string;
  readonly version: string;
  readonly sha256: string | null;
  readonly manifest: ReleaseManifest | null;
}

export interface Services {
  readonly paths: HostPaths;
  readonly files: Files;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readRelease(): Promise<InstalledRelease>;
  readHostIdentity(): Promise<string | null>;
  /** Whether a start of this run is going on, as systemd says. */
  readUnit(runId: string): Promise<HostView["unit"]>;
  isInRunUnit(runId: string): Promise<boolean>;
  isInRevertUnit(runId: string): Promise<boolean>;
  executionEnabled(runId: string): Promise<boolean>;
  /** As root: runs this very command line as user cutter, with a run's credentials, and gives its exit code. Null when we are not root. */
  runAsCutter(): Promise<number | null>;
  /**
   * As root: runs `cutter ARGS` as user cutter with a run's credentials and `input` on its stdin; its exit code. Null when we are not root.
   */
  runAsCutterWith(args: readonly string[], input: string): Promise<number | null>;
  /** stdin to its end, bounded. @throws USAGE_INVALID when it is longer */
  readInput(): Promise<Uint8Array>;
  /** As root: the host's facts as text, from the root helper beside this release. */
  readHostFactsText(): Promise<string>;
  /** As root: what `cutter connections --json` prints, run as cutter; null where it could not be run. */
  readConnectionsText(): Promise<string | null>;
  /** Each login of a run and the knowledge base, tried once. */
  tryConnections(config: OrchestratorConfig): Promise<readonly TriedConnection[]>;
  openDatabase(config: OrchestratorConfig): Promise<ProductionDatabase>;
  openEngine(config: OrchestratorConfig, reporter: Reporter): Promise<{ readonly ports: EnginePorts; close(): Promise<void> }>;
  /** With the revert's own login and no login that could cut. @throws REVERT_LOGIN_MISMATCH, CREDENTIALS_MISSING */
  openRevert(config: OrchestratorConfig, say: (line: string) => void): Promise<{ readonly ports: RevertPorts; close(): Promise<void> }>;
  /** How a run tells what it does: JSON lines on stderr beside --json, a live line on a terminal, else one line per event. */
  toReporter(options: { readonly json: boolean }): Reporter;
}

export interface CutterContext extends CommandContext {
  readonly process: CommandContext["process"] & { exitCode?: number | string | null };
  readonly services: Services;
}
