// The bricks of the gap rules: a path as it should be, a file as it was last written by the kit.
import { z } from "zod";
import type { HostFacts, PathFact } from "../host/facts.ts";
import { tryParseJson } from "../encoding/try-parse-json.ts";

/** `ok` false is a reason why the gap is open. Texts hold neither time nor secret, so that an unchanged host gives unchanged evidence. */
export interface GapEvidence {
  readonly ok: boolean;
  readonly text: string;
}

export interface WantedPath {
  readonly path: string;
  readonly kind: "file" | "folder";
  readonly mode: string; // octal, e.g. "640"
  readonly owner: string;
  readonly group: string;
}

/** One piece of evidence: the path exists with kind, mode and owner as wanted, or what differs. */
export function checkPath(facts: HostFacts, wanted: WantedPath): GapEvidence {
  const found = facts.paths.get(wanted.path);
  if (found === undefined || found.kind === "absent") return { ok: false, text: `${wanted.path} is absent` };
  const asWanted = `${wanted.kind} ${wanted.mode} ${wanted.owner}:${wanted.group}`;
  const asFound = `${found.kind} ${found.mode} ${found.owner}:${found.group}`;
  return asWanted === asFound
    ? { ok: true, text: `${wanted.path} ${asFound}` }
    : { ok: false, text: `${wanted.path} is ${asFound}, should be ${asWanted}` };
}

/** The file's content is what the kit wrote last, by the claim in the ownership manifest. No claim: the kit did not write it. */
export function checkContent(facts: HostFacts, path: string): GapEvidence {
  const found = facts.paths.get(path);
  const claim = toOwnershipClaims(facts.claims).get(path);
  if (found === undefined || found.kind !== "file") return { ok: false, text: `${path} is absent` };
  if (claim === undefined) return { ok: false, text: `${path} is not in the kit's ownership manifest` };
  if (claim.contentSha256 === undefined) return { ok: true, text: `${path} sha256 ${found.digest}` };
  if (claim.contentSha256 !== found.digest)
    return { ok: false, text: `${path} was changed: sha256 ${found.digest}, written was ${claim.contentSha256}` };
  return { ok: true, text: `${path} sha256 ${found.digest}, as written` };
}

export function isPresent(found: PathFact | undefined): found is PathFact {
  return found !== undefined && found.kind !== "absent";
}

const ownershipClaimSchema = z.looseObject({
  path: z.string(),
  state: z.enum(["claimed", "released"]),
  contentSha256: z.string().optional(),
});

/** The last line of each path counts; a released path is not the kit's any more; a cut line is no claim. */
export function toOwnershipClaims(lines: readonly string[]): ReadonlyMap<string, z.infer<typeof ownershipClaimSchema>> {
  const claims = new Map<string, z.infer<typeof ownershipClaimSchema>>();
  for (const line of lines) {
    const claim = ownershipClaimSchema.safeParse(tryParseJson(line));
    if (!claim.success) continue;
    if (claim.data.state === "claimed") claims.set(claim.data.path, claim.data);
    else claims.delete(claim.data.path);
  }
  return claims;
}
