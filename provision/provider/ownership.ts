// The ownership manifest: what on the host is the kit's. One JSON line per claim, written before the thing itself exists.
import { z } from "zod";
import { hostLayout } from "../../orchestrator/core/host/layout.ts";
import { CutterError } from "../../orchestrator/core/errors.ts";
import type { RemoteHost } from "../host/connection.ts";
import type { JobSpec } from "./kind/define.ts";
import type { StateClaims } from "./state-claims.ts";
import { tryParseJson } from "../../orchestrator/core/encoding/try-parse-json.ts";

const ownershipClaimSchema = z.strictObject({
  path: z.string(),
  urn: z.string(),
  sha256: z.string(), // of the inputs that were to be written
  state: z.enum(["claimed", "released"]),
  contentSha256: z.string().optional(), // of the file's bytes, for the survey on the host
  found: z.boolean().optional(), // it stood there already, equal: a destroy leaves it
});

export type OwnershipClaim = z.infer<typeof ownershipClaimSchema>;

/** The last line of each path is what counts. A cut last line (a crash while appending) is no claim. */
export function parseOwnershipClaims(text: string): ReadonlyMap<string, OwnershipClaim> {
  const claims = new Map<string, OwnershipClaim>();
  for (const line of text.split("\n")) {
    const claim = ownershipClaimSchema.safeParse(tryParseJson(line));
    if (!claim.success) continue;
    if (claim.data.state === "claimed") claims.set(claim.data.path, claim.data);
    else claims.delete(claim.data.path);
  }
  return claims;
}

export async function readOwnershipClaims(host: RemoteHost): Promise<ReadonlyMap<string, OwnershipClaim>> {
  const outcome = await host.run('[ ! -e "$1" ] || cat -- "$1"', [hostLayout.ownership], { timeoutMs: 15_000 });
  if (outcome.code !== 0) throw new CutterError("HOST_OUTCOME_UNKNOWN", { host: host.address.name, reading: hostLayout.ownership });
  return parseOwnershipClaims(outcome.stdout);
}

/** Whose a thing on a host is, seen from one stack. Decided here, for the preflight and for each change. */
export interface Ownership {
  /** What the manifest has of it, whoever claimed it. */
  readonly claim: OwnershipClaim | undefined;
  /** The manifest has it as this very stack's, under whatever name: a renamed resource takes its path along. */
  readonly isClaimed: boolean;
  /** Claimed by this stack, or in its state: then we made it, whatever the manifest says or has lost. What is not ours is foreign. */
  readonly isOurs: boolean;
  /** For a person: whose it is. */
  readonly claimant: string;
}

/** Answers for any path of the host, as it was then. `urn`: any of this stack. @throws HOST_OUTCOME_UNKNOWN */
export async function readOwnership(host: RemoteHost, urn: string, recorded: StateClaims): Promise<(path: string) => Ownership> {
  const claims = await readOwnershipClaims(host);
  return (path) => {
    const claim = claims.get(path);
    const isClaimed = claim !== undefined && toStackPrefix(claim.urn) === toStackPrefix(urn);
    return { claim, isClaimed, isOurs: isClaimed || recorded.has(host.address, path), claimant: toClaimant(claim) };
  };
}

function toClaimant(claim: OwnershipClaim | undefined): string {
  if (claim === undefined) return "not in the ownership manifest";
  const [stack, project] = toStackPrefix(claim.urn).replace("urn:pulumi:", "").split("::");
  return `claimed by stack ${stack} of ${project}`;
}

/**
 * Puts "append this line to the manifest, durably" before a job's work. The manifest's own folder, where it is missing, comes into being
 * together with the line that claims it: a cut never leaves a folder nobody owns. A line that a full disk cut is ended first, or it would
 * spoil this one.
 */
export function withOwnershipClaim(claim: OwnershipClaim, work: JobSpec): JobSpec {
  const append = `e=${hostLayout.etc}; m=${hostLayout.ownership}
if [ -d "$e" ]; then (flock 9; [ -z "$(tail -c 1 -- "$m")" ] || echo >&9; printf '%s\\n' "$1" >&9; sync -- "$m") 9>>"$m"
else t=$(mktemp -d "$e.XXXXXXXX"); chmod 0755 "$t"; printf '%s\\n' "$1" >"$t/\${m##*/}"; sync -- "$t"/* "$t"; mv -T -- "$t" "$e"; sync -- "\${e%/*}"; fi
shift`;
  return { ...work, script: `${append}\n${work.script}`, args: [JSON.stringify(claim), ...work.args] };
}

function toStackPrefix(urn: string): string {
  return urn.split("::").slice(0, 2).join("::");
}
