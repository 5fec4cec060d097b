// Whether a host is clear of what is not ours, and the release at hand, asked for all at once before the first change: what is found
// halfway would leave a host half ready.
import { existsSync } from "node:fs";
import { basename } from "node:path";
import { CutterError } from "../../orchestrator/core/errors.ts";
import { hostLayout } from "../../orchestrator/core/host/layout.ts";
import type { HostAddress } from "../host/address.ts";
import type { RemoteHost } from "../host/connection.ts";
import { envLineKind } from "./kinds/env-line.ts";
import { toReleaseArchive } from "./kinds/release.ts";
import { readOwnership, type Ownership } from "./ownership.ts";
import type { StateClaims } from "./state-claims.ts";

/** What stands in the way on each host. */
export interface Preflight {
  /**
   * Looks at the claims that are to be made; what is foreign, an env file that cannot take its line, and a release that is nowhere, refuses
   * to make or change anything on this host from now on; removing stays allowed. `urn`: any of this stack. `lines`: of a claimed
   * `file#NAME`, the value it may have already; of the configuration's path, the text it is to have. `warn`: see `takeWarning`.
   */
  check(host: RemoteHost, urn: string, claims: readonly string[], options?: PreflightOptions): Promise<void>;
  /** What `require` would say, once, if the look was to warn; else null. */
  takeWarning(address: HostAddress): string | null;
  /**
   * @throws FOREIGN_FILE, FOREIGN_ACCOUNT, ENV_LINE_FOREIGN naming all that is in the way; ENV_FILE_UNFIT and other refusals of the env
   * file; RELEASE_MISSING
   */
  require(address: HostAddress): void;
}

interface PreflightOptions {
  readonly lines?: Readonly<Record<string, string>>;
  readonly warn?: boolean;
}

/** `recorded` is filled before the first look. */
export function createPreflight(recorded: StateClaims): Preflight {
  const refusals = new Map<string, CutterError>();
  const unreported = new Set<CutterError>();
  return {
    check: async (host, urn, claims, { lines = {}, warn = false } = {}) => {
      const ownershipOf = await readOwnership(host, urn, recorded);
      const asked = claims.filter((claim) => !ownershipOf(claim).isOurs);
      const refusal = (await findForeign(host, ownershipOf, asked, lines)) ?? (await findMissingRelease(host, claims));
      if (refusal === null) return;
      refusals.set(host.address.name, refusal);
      if (warn) unreported.add(refusal);
    },
    takeWarning: (address) => {
      const refusal = refusals.get(address.name);
      return refusal !== undefined && unreported.delete(refusal) ? refusal.message : null;
    },
    require: (address) => {
      const refusal = refusals.get(address.name);
      if (refusal !== undefined) throw refusal;
    },
  };
}

async function findForeign(
  host: RemoteHost,
  ownershipOf: (claim: string) => Ownership,
  asked: readonly string[],
  lines: Readonly<Record<string, string>>,
): Promise<CutterError | null> {
  try {
    const things = await findExisting(host, asked.filter(isCheckedByExistence));
    const foreign = [...things, ...(await readForeignLines(host, asked, lines))];
    if (foreign.length === 0) return null;
    const found = foreign.map((claim) => ownershipOf(claim).claimant);
    const code = things.some((claim) => claim.startsWith("/"))
      ? "FOREIGN_FILE"
      : things.length > 0
        ? "FOREIGN_ACCOUNT"
        : "ENV_LINE_FOREIGN";
    return new CutterError(code, { host: host.address.name, path: foreign, found: [...new Set(found)] });
  } catch (error) {
    if (error instanceof CutterError && error.code.startsWith("ENV_")) return error;
    throw error;
  }
}

async function findMissingRelease(host: RemoteHost, claims: readonly string[]): Promise<CutterError | null> {
  const toUpload = claims.filter((claim) => claim.startsWith(`${hostLayout.releases}/`) && !existsSync(toReleaseArchive(basename(claim))));
  const existing = await findExisting(host, toUpload);
  const missing = toUpload.find((claim) => !existing.includes(claim));
  return missing === undefined
    ? null
    : new CutterError("RELEASE_MISSING", {
        host: host.address.name,
        release: basename(missing),
        archive: toReleaseArchive(basename(missing)),
      });
}

/** The lines that stand there with another value, or more than once. @throws ENV_FILE_UNFIT, ENV_LINE_AMBIGUOUS, ENV_NAME_DOUBLED */
async function readForeignLines(
  host: RemoteHost,
  asked: readonly string[],
  lines: Readonly<Record<string, string>>,
): Promise<readonly string[]> {
  const foreign: string[] = [];
  for (const claim of asked) {
    const value = lines[claim];
    if (value === undefined || !claim.includes("#")) continue; // of a file: what it is to hold
    const [path, name] = claim.split("#");
    const wanted = envLineKind.parseStored({ host: host.address, adopt: false, path, name, value });
    const reading = await wanted.read(host);
    if (reading.state === "present" && wanted.differencesFrom(reading.inputs).length > 0) foreign.push(claim);
  }
  return foreign;
}

/** A line is judged by its value, what is armed by its kind; a release is known by its bytes, wherever it came from. */
function isCheckedByExistence(claim: string): boolean {
  return !claim.includes("#") && !claim.startsWith("execution:") && !claim.startsWith(`${hostLayout.releases}/`);
}

/** The claims among `asked` whose thing stands there. Reads only. */
async function findExisting(host: RemoteHost, asked: readonly string[]): Promise<readonly string[]> {
  if (asked.length === 0) return [];
  const outcome = await host.run(existingScript, asked, { timeoutMs: 15_000 });
  if (outcome.code !== 0) throw new CutterError("HOST_OUTCOME_UNKNOWN", { host: host.address.name, reading: "what stands in the way" });
  return outcome.stdout.split("\n").filter((line) => line !== "");
}

const existingScript = `for claim in "$@"; do
  case $claim in
    user:*) getent passwd "\${claim#*:}" >/dev/null || continue ;;
    group:*) getent group "\${claim#*:}" >/dev/null || continue ;;
    *) [ -e "$claim" ] || [ -L "$claim" ] || continue ;;
  esac
  printf '%s\\n' "$claim"
done`;
