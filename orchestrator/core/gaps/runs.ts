// The live runs of a host as their journals tell them: which is open, which has written, what it stopped with. Pure.
import { z } from "zod";
import { toUnfinishedRuns } from "../run/unfinished-runs.ts";
import { dryRunSuffix } from "../run-id.ts";
import { tryParseJson } from "../encoding/try-parse-json.ts";
import type { HostFacts, RunFact } from "../host/facts.ts";

export interface SurveyedRun {
  readonly runId: string;
  readonly documentId: string | null;
  /** `written`: something of it stands in the database, or may; `begun`: nothing does. Both are open. */
  readonly state: "done" | "given up" | "reverted" | "written" | "begun";
  readonly revertBegun: boolean; // and not at its end
  readonly code: string | null; // its last start ended with it
  readonly at: string | null; // of its last record
}

const started = z.looseObject({ kind: z.literal("run_started"), mode: z.string(), document_id: z.string() });
const kindOf = z.looseObject({ kind: z.string(), at: z.string().optional(), code: z.string().nullish() });

/** Live runs only; one whose journal cannot be read counts as written. */
export function toSurveyedRuns(facts: Pick<HostFacts, "runs">): readonly SurveyedRun[] {
  return facts.runs.flatMap((fact): readonly SurveyedRun[] => {
    const first = started.safeParse(tryParseJson(fact.journal[0] ?? ""));
    if (first.success ? first.data.mode !== "live" : fact.runId.endsWith(dryRunSuffix)) return [];
    const last = kindOf.safeParse(tryParseJson(fact.last ?? ""));
    return [
      {
        runId: fact.runId,
        documentId: first.success ? first.data.document_id : null,
        state: toState(fact),
        revertBegun: fact.revertJournal.length > 0 && !hasKind(fact.revertJournal, "reverted"),
        code: last.success && last.data.kind === "attempt_ended" ? (last.data.code ?? null) : null,
        at: last.success ? (last.data.at ?? null) : null,
      },
    ];
  });
}

/** Whether a start of it may still come: not done, not given up, not reverted. A run that never began is open. */
export function isOpenRun(runs: readonly SurveyedRun[], runId: string): boolean {
  const found = runs.find((run) => run.runId === runId);
  return found === undefined || found.state === "written" || found.state === "begun";
}

function toState(fact: RunFact): SurveyedRun["state"] {
  if (hasKind(fact.revertJournal, "reverted")) return "reverted";
  if (hasKind(fact.journal, "run_voided")) return "given up";
  if (hasKind(fact.journal, "run_finished")) return "done";
  return toUnfinishedRuns([fact]).length > 0 ? "written" : "begun";
}

function hasKind(lines: readonly string[], kind: string): boolean {
  return lines.some((line) => {
    const entry = kindOf.safeParse(tryParseJson(line));
    return entry.success && entry.data.kind === kind;
  });
}
