// GAP-7 and GAP-8: has somebody who may do so signed that this host may cut a document, and named a harmless one? No times in the texts: an
// unchanged host gives unchanged evidence.
import type { GapEvidence } from "./evidence.ts";
import type { HostFacts } from "../host/facts.ts";
import { rulingsFolder, type ArchivedRulings, type ValidRuling } from "./archived-rulings.ts";

/** A ruling verified by the keys pinned now, not expired, for this host, release, principal, grants and runbook. */
export function evaluateGap7(_facts: HostFacts, { valid, refused }: ArchivedRulings): readonly GapEvidence[] {
  if (valid.length === 0)
    return [
      { ok: false, text: `no signed ruling stands; runbooks/enable verifies one and keeps it below ${rulingsFolder}` },
      ...refused.map(toRefused),
    ];
  return valid.flatMap((ruling) => [
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
export function evaluateGap8(_facts: HostFacts, { valid, refused }: ArchivedRulings): readonly GapEvidence[] {
  if (valid.length === 0)
    return [
      {
        ok: false,
        text: "no standing ruling names a document and why it is harmless; cutter target propose ranks documents that could be named",
      },
      ...refused.map(toRefused),
    ];
  return valid.map(({ ruling, documentSha256 }: ValidRuling) => ({
    ok: true,
    text: `ruling ${documentSha256.slice(0, 12)} names ${ruling.document_id}: ${ruling.why_harmless}`,
  }));
}

function toRefused({ sha256, code }: ArchivedRulings["refused"][number]): GapEvidence {
  return { ok: false, text: `ruling ${sha256.slice(0, 12)} does not stand: ${code}` };
}
