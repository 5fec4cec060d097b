// GAP-7 and GAP-8: has somebody who may do so signed that this host may cut a document, and named a harmless one? No times in the texts: an
// unchanged host gives unchanged evidence.
import type { GapEvidence } from "./evidence.ts";
import type { HostFacts } from "../host/facts.ts";
import { isOpenRun, toSurveyedRuns } from "./runs.ts";
import { rulingsFolder, type ArchivedRulings, type ValidRuling } from "./archived-rulings.ts";

/** A ruling verified by the keys pinned now, not expired, for this host, release, principal, grants and runbook, and not used up. */
export function evaluateGap7(facts: HostFacts, { valid, refused }: ArchivedRulings): readonly GapEvidence[] {
  const { usable, usedUp } = toUsable(facts, valid);
  if (usable.length === 0)
    return [
      { ok: false, text: `no signed ruling stands; runbooks/enable verifies one and keeps it below ${rulingsFolder}` },
      ...usedUp,
      ...refused.map(toRefused),
    ];
  return usable.flatMap((ruling) => [
    {
      ok: true,
      text:
        `ruling ${ruling.documentSha256.slice(0, 12)} for run ${ruling.ruling.run_id}, verified by the keys pinned now; ` +
        `${String(ruling.startsSpent)} of ${String(ruling.ruling.starts)} starts spent`,
    },
    ...ruling.signers.map(({ role, fingerprint }) => ({ ok: true, text: `signed by the ${role} ${fingerprint}` })),
    ...(ruling.humanSigners === 1 ? [{ ok: true, text: "one human signer" }] : []),
  ]);
}

/** The same ruling names the document and says why it can bear it. */
export function evaluateGap8(facts: HostFacts, { valid, refused }: ArchivedRulings): readonly GapEvidence[] {
  const { usable, usedUp } = toUsable(facts, valid);
  if (usable.length === 0)
    return [
      {
        ok: false,
        text: "no standing ruling names a document and why it is harmless; cutter target propose ranks documents that could be named",
      },
      ...usedUp,
      ...refused.map(toRefused),
    ];
  return usable.map(({ ruling, documentSha256 }: ValidRuling) => ({
    ok: true,
    text: `ruling ${documentSha256.slice(0, 12)} names ${ruling.document_id}: ${ruling.why_harmless}`,
  }));
}

/** A ruling authorises while a start of it is left, or in use by a token now, and its run is open. */
function toUsable(
  facts: HostFacts,
  valid: readonly ValidRuling[],
): { readonly usable: readonly ValidRuling[]; readonly usedUp: readonly GapEvidence[] } {
  const runs = toSurveyedRuns(facts);
  const inUse = (runId: string): boolean => facts.armed.includes(runId) || facts.live.includes(runId);
  const toProblem = ({ ruling, startsSpent }: ValidRuling): string | null => {
    if (!isOpenRun(runs, ruling.run_id))
      return `its run ${ruling.run_id} is ${runs.find(({ runId }) => runId === ruling.run_id)?.state ?? "closed"}`;
    return startsSpent < ruling.starts || inUse(ruling.run_id)
      ? null
      : `all ${String(ruling.starts)} starts for run ${ruling.run_id} are spent`;
  };
  const judged = valid.map((ruling) => ({ ruling, problem: toProblem(ruling) }));
  return {
    usable: judged.flatMap(({ ruling, problem }) => (problem === null ? [ruling] : [])),
    usedUp: judged.flatMap(({ ruling, problem }) =>
      problem === null ? [] : [{ ok: false, text: `ruling ${ruling.documentSha256.slice(0, 12)} authorises nothing more: ${problem}` }],
    ),
  };
}

function toRefused({ sha256, code }: ArchivedRulings["refused"][number]): GapEvidence {
  return { ok: false, text: `ruling ${sha256.slice(0, 12)} does not stand: ${code}` };
}
