// Whether a host is clear of what is not ours, asked for all paths at once before the first change: a foreign thing found halfway would leave a host half ready.
import { CutterError } from "../../orchestrator/core/errors.ts";
import { hostLayout } from "../../orchestrator/core/host-layout.ts";
import type { HostAddress } from "../host/address.ts";
import type { RemoteHost } from "../host/connection.ts";
import { isOurs, readClaims } from "./ownership.ts";

/** What stands in the way on each host, and what the engine's state knows already: that was made by us, whatever the ownership manifest has lost. */
export interface Clearance {
  /** Called for every resource that the refresh reads. */
  noteRecorded(address: HostAddress, claim: string): void;
  /** Looks at the claims that are to be made; what is foreign refuses to make or change anything on this host from now on; removing stays allowed. `urn`: any of this stack. Gives the refusal. */
  look(host: RemoteHost, urn: string, claims: readonly string[]): Promise<CutterError | null>;
  /** @throws FOREIGN_FILE, FOREIGN_ACCOUNT naming all that is in the way */
  require(address: HostAddress): void;
}

export function createClearance(): Clearance {
  const recorded = new Set<string>();
  const refusals = new Map<string, CutterError>();
  const toMark = (address: HostAddress, claim: string): string => `${address.name} ${claim}`;
  return {
    noteRecorded: (address, claim) => void recorded.add(toMark(address, claim)),
    look: async (host, urn, claims) => {
      const asked = claims.filter((claim) => canBeForeign(claim) && !recorded.has(toMark(host.address, claim)));
      const ours = await readClaims(host);
      const foreign = (await readStanding(host, asked)).filter((claim) => !isOurs(ours.get(claim), urn));
      if (foreign.length === 0) return null;
      const found = foreign.map((claim) => (ours.has(claim) ? `claimed by ${ours.get(claim)?.urn ?? ""}` : "not in the ownership manifest"));
      const refusal = new CutterError(foreign.every((claim) => !claim.startsWith("/")) ? "FOREIGN_ACCOUNT" : "FOREIGN_FILE", { host: host.address.name, path: foreign, found: [...new Set(found)] });
      refusals.set(host.address.name, refusal);
      return refusal;
    },
    require: (address) => {
      const refusal = refusals.get(address.name);
      if (refusal !== undefined) throw refusal;
    },
  };
}

/** A line of an env file and what is armed are judged by their kinds; a release is known by its bytes, wherever it came from. */
function canBeForeign(claim: string): boolean {
  return !claim.includes("#") && !claim.startsWith("execution:") && !claim.startsWith(`${hostLayout.releases}/`);
}

/** The claims among `asked` whose thing stands there. Reads only. */
async function readStanding(host: RemoteHost, asked: readonly string[]): Promise<readonly string[]> {
  if (asked.length === 0) return [];
  const outcome = await host.run(standingScript, asked, { timeoutMs: 15_000 });
  if (outcome.code !== 0) throw new CutterError("HOST_OUTCOME_UNKNOWN", { host: host.address.name, reading: "what stands in the way" });
  return outcome.stdout.split("\n").filter((line) => line !== "");
}

const standingScript = `for claim in "$@"; do
  case $claim in
    user:*) getent passwd "\${claim#*:}" >/dev/null || continue ;;
    group:*) getent group "\${claim#*:}" >/dev/null || continue ;;
    *) [ -e "$claim" ] || [ -L "$claim" ] || continue ;;
  esac
  printf '%s\\n' "$claim"
done`;
