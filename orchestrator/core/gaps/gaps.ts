// The gap rules: facts of a host → GAP-1 … GAP-8, each open or closed with its evidence. One module for both sides (decision 34).
import type { GapEvidence } from "./evidence.ts";
import { evaluateGap1, evaluateGap2 } from "./code.ts";
import { evaluateGap3, evaluateGap4 } from "./principals.ts";
import { evaluateGap7, evaluateGap8 } from "./ruling.ts";
import { evaluateGap5, evaluateGap6 } from "./state.ts";
import type { HostFacts } from "../host/facts.ts";
import type { ArchivedRulings } from "./archived-rulings.ts";

export interface Gap {
  readonly id: `GAP-${1 | 2 | 3 | 4 | 5 | 6 | 7 | 8}`;
  readonly state: "closed" | "open";
  readonly summary: string;
  readonly closedBy: string;
  readonly evidence: readonly string[]; // reasons first when open
}

/**
 * Pure. A gap is closed when every piece of its evidence is ok; nothing that could not be measured counts as ok. `rulings` are those of
 * these facts, judged (verifyArchivedRulings).
 */
export function toGaps(facts: HostFacts, rulings: ArchivedRulings): readonly Gap[] {
  return rules.map(({ id, summary, closedBy, evaluate }) => {
    const evidence = evaluate(facts, rulings);
    const reasons = evidence.filter(({ ok }) => !ok);
    const shown = reasons.length > 0 ? [...reasons, ...evidence.filter(({ ok }) => ok)] : evidence;
    return {
      id,
      summary,
      closedBy,
      state: reasons.length === 0 && evidence.length > 0 ? "closed" : "open",
      evidence: shown.map(({ text }) => text),
    };
  });
}

interface GapRule {
  readonly id: Gap["id"];
  readonly summary: string;
  readonly closedBy: string;
  readonly evaluate: (facts: HostFacts, rulings: ArchivedRulings) => readonly GapEvidence[];
}

const rules: readonly GapRule[] = [
  { id: "GAP-1", summary: "v0.6 orchestrator code on the host", closedBy: "pulumi up", evaluate: evaluateGap1 },
  { id: "GAP-2", summary: "a deployment path for it", closedBy: "pulumi up", evaluate: evaluateGap2 },
  { id: "GAP-3", summary: "BACKUP_GPG_FPR confirmed in the host's env", closedBy: "pulumi up", evaluate: evaluateGap3 },
  { id: "GAP-4", summary: "governance principal for review_decision and leg B pinned", closedBy: "pulumi up", evaluate: evaluateGap4 },
  { id: "GAP-5", summary: "orchestrator.* keys and /var/lib/cutter/*", closedBy: "pulumi up", evaluate: evaluateGap5 },
  { id: "GAP-6", summary: "rollback_runbook.sql on the host", closedBy: "pulumi up", evaluate: evaluateGap6 },
  {
    id: "GAP-7",
    summary: "a ruling that authorises a live cut",
    closedBy: "people: a signed ruling, verified by the kit",
    evaluate: evaluateGap7,
  },
  {
    id: "GAP-8",
    summary: "a chosen harmless document for the first cut",
    closedBy: "people: named, with why it is harmless, in the signed ruling",
    evaluate: evaluateGap8,
  },
];
