// What explain looks at beside a run's journal: the host as it is now, and what systemd said of the last start.
import type { RunResult } from "../../core/run/result.ts";

export interface HostView {
  /** Of the run's unit or of the root step before it. `unknown`: nobody could be asked, or the run is none of a unit. */
  readonly unit: { readonly state: "going_on"; readonly seen: string } | { readonly state: "ended" } | { readonly state: "unknown" };
  readonly execution:
    | { readonly state: "off" | "disabled" | "unknown" }
    | { readonly state: "armed" | "live"; readonly runId: string; readonly until: string | null };
  /** What its unit does when it is started; null: no such file, so the run was named by options. */
  readonly request: { readonly mode: "dryrun" | "live"; readonly documentId: string } | null;
  /** Of the last start of its unit since the host was booted, also of one that was refused before it could write in the journal. */
  readonly result: Pick<RunResult, "code" | "exit_kind" | "exit_raw" | "service_result"> | null;
  /** The last of its files stands: whoever died after the run's last record left the report and the bundle unwritten. */
  readonly recordsStand: boolean;
  /** Of a live run: what its dry run came to. */
  readonly dryRun: "pass" | "not pass" | "given up" | "unfinished" | "none";
  /** Of the run that holds the claim on the document, where one stopped this run. */
  readonly claimant: "unfinished" | "ended" | "not of this host" | null;
}

/** The host of which nothing is known but that the start is over: what a start itself can tell when it stops. */
export const ownEnd: HostView = {
  unit: { state: "ended" },
  execution: { state: "off" },
  request: null,
  result: null,
  recordsStand: true,
  dryRun: "pass",
  claimant: null,
};

/** How the last start ended, as far as journal and systemd tell; `code` null: it was killed, or there was none. */
export interface LastStop {
  readonly code: string | null;
  readonly facts: Readonly<Record<string, unknown>>;
}
