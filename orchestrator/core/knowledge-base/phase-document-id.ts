// How a phase is named in files and in the knowledge base (decision 29). Pure.
import type { PhaseName } from "../phase-names.ts";

/** `07-structural-verify`. */
export function toPhaseStem(number: number, phase: PhaseName): string {
  return `${String(number).padStart(2, "0")}-${phase.replaceAll("_", "-")}`;
}

/** `<kb_runs_folder>/<run_id in lower case>/<nn>-<phase with hyphens>.md`. */
export function toPhaseDocumentId(kbRunsFolder: string, runId: string, number: number, phase: PhaseName): string {
  return `${kbRunsFolder}/${runId.toLowerCase()}/${toPhaseStem(number, phase)}.md`;
}
