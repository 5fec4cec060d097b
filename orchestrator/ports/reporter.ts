// Messages are values; how they look is the reporter's business (a terminal, a log, JSON lines).

export type RunEvent =
  | {
      readonly kind: "run_started";
      readonly runId: string;
      readonly mode: "dryrun" | "live";
      readonly documentId: string;
      readonly attempt: number;
    }
  | { readonly kind: "phase_started"; readonly phase: string; readonly number: number }
  | {
      readonly kind: "phase_done";
      readonly phase: string;
      readonly number: number;
      readonly durationMs: number;
      readonly summary: string;
      readonly wouldRefuse: readonly string[];
    }
  | {
      readonly kind: "gate_waiting";
      readonly phase: string;
      readonly waitsOn: string;
      readonly sinceMs: number;
      readonly since: string; // ISO 8601 UTC
      readonly until: string; // when it is given up at the latest
      readonly seen: string; // what the last try met
    }
  | { readonly kind: "call_waiting"; readonly call: string; readonly sinceMs: number; readonly atMostMs: number }
  | { readonly kind: "gate_passed"; readonly phase: string; readonly documentId: string; readonly revision: number }
  | { readonly kind: "warning"; readonly code: string; readonly text: string }
  | { readonly kind: "run_ended"; readonly result: string; readonly exitCode: number; readonly certificate: string | null };

export interface Reporter {
  report(event: RunEvent): void;
}
