// The life of any resource: foreign things are refused, a claim is durable before the thing, and what was written is read back.
import { sha256OfJson } from "../../orchestrator/core/encoding/digest.ts";
import { CutterError } from "../../orchestrator/core/errors.ts";
import { hostLayout } from "../../orchestrator/core/host/layout.ts";
import type { HostAddress } from "../host/address.ts";
import type { RemoteHost } from "../host/connection.ts";
import { createJobRunner, waitForEarlierJobs, type JobOutcome } from "../host/job.ts";
import type { HostPool } from "../host/pool.ts";
import type { ExecutionGuard } from "./kinds/support/execution.ts";
import { readRetainedSummary } from "./retained.ts";
import type { BaseInputs, BoundKind, Kind, Reading, JobSpec } from "./kind/define.ts";
import { isOurs, readOwnershipClaims, toClaimant, withOwnershipClaim, type OwnershipClaim } from "./ownership.ts";
import type { StateClaims } from "./state-claims.ts";

const jobTimeoutMs = 60_000;
const earlierJobsTimeoutMs = 20_000;

export interface Lifecycle {
  /** Also the way to finish a create that was interrupted: what the manifest claims for this stack, or its state has, is taken up. */
  create(kind: Kind, urn: string, inputs: BaseInputs): Promise<void>;
  /** null: it is gone. `obstructedBy`: something of another sort stands there. `unclaimed`: the ownership manifest has lost it, or knows it as another stack's, which an update mends. */
  read(
    kind: Kind,
    urn: string,
    inputs: BaseInputs,
  ): Promise<(BaseInputs & { readonly obstructedBy?: string; readonly unclaimed?: string }) | null>;
  /** What a create would take over because it is listed under `adopt`, and in what it differs from the inputs; null: nothing stands there, or it is ours. Reads only. */
  readTakeover(kind: Kind, urn: string, inputs: BaseInputs): Promise<string | null>;
  update(kind: Kind, urn: string, inputs: BaseInputs): Promise<void>;
  /** Leaves what another resource has claimed since, what was found and not made, and what its kind keeps. @throws CLAIMED_BY_OTHER_STACK */
  remove(kind: Kind, urn: string, inputs: BaseInputs): Promise<void>;
}

/** `guard` is asked before each change: a live run that has written keeps the host as it is, and tokens go first. `say` shows a line to the operator. */
export function createLifecycle(pool: HostPool, guard: ExecutionGuard, recorded: StateClaims, say: (line: string) => void): Lifecycle {
  const connect = toConnector(pool);
  const isForeign = (claim: OwnershipClaim | undefined, urn: string, resource: BoundKind, address: HostAddress): boolean =>
    !isOurs(claim, urn) && !recorded.has(address, resource.claim);
  return {
    create: async (kind, urn, inputs) => {
      const host = await connect(inputs.host);
      await guard(inputs.host);
      const resource = kind.bind(inputs);
      const [claims, reading] = await Promise.all([readOwnershipClaims(host), resource.read(host)]);
      const claim = claims.get(resource.claim);
      if (reading.state === "obstructed") throw toForeign(resource, inputs, reading.by);
      const equal = resource.adoptsEqual && toDifferences(kind, reading, inputs).length === 0;
      if (reading.state === "present" && isForeign(claim, urn, resource, inputs.host) && !inputs.adopt && !equal)
        throw toForeign(resource, inputs, toClaimant(claim));
      await applyAndVerify(pool, say, kind, urn, inputs, claim === undefined ? equal : claim.found === true);
    },
    read: async (kind, urn, inputs) => {
      const host = await connect(inputs.host);
      const resource = kind.bind(inputs);
      const [claims, reading] = await Promise.all([readOwnershipClaims(host), resource.read(host)]);
      if (reading.state === "absent") return null;
      if (reading.state === "obstructed") return { ...inputs, obstructedBy: reading.by };
      const claim = claims.get(resource.claim);
      return isOurs(claim, urn) ? reading.inputs : { ...reading.inputs, unclaimed: toClaimant(claim) };
    },
    readTakeover: async (kind, urn, inputs) => {
      const host = await connect(inputs.host);
      const resource = kind.bind(inputs);
      const [claims, reading] = await Promise.all([readOwnershipClaims(host), resource.read(host)]);
      if (reading.state !== "present" || !isForeign(claims.get(resource.claim), urn, resource, inputs.host)) return null;
      const differences = toShownDifferences(reading.inputs, inputs, kind.changes(reading.inputs, inputs).changed);
      return `${resource.claim} stands there and is listed under cutter-kit:adopt: up takes it over${differences === "" ? " as it is" : `, ${differences}`}`;
    },
    update: async (kind, urn, inputs) => {
      const host = await connect(inputs.host);
      await guard(inputs.host);
      const resource = kind.bind(inputs);
      const [claims, reading] = await Promise.all([readOwnershipClaims(host), resource.read(host)]);
      if (reading.state === "obstructed") throw toForeign(resource, inputs, reading.by);
      const claim = claims.get(resource.claim);
      const onlyUnclaimed = !isOurs(claim, urn) && toDifferences(kind, reading, inputs).length === 0;
      // Whether it stood there before us is lost with a claim: a destroy then rather leaves it.
      const found = claim === undefined ? onlyUnclaimed && resource.adoptsEqual : claim.found === true;
      await applyAndVerify(pool, say, kind, urn, inputs, found, onlyUnclaimed);
    },
    remove: async (kind, urn, inputs) => {
      const host = await connect(inputs.host);
      await guard(inputs.host);
      const resource = kind.bind(inputs);
      const claim = (await readOwnershipClaims(host)).get(resource.claim);
      const work = resource.remove();
      if (work === null || claim?.found === true) return;
      if (claim !== undefined && !isOurs(claim, urn))
        throw new CutterError("CLAIMED_BY_OTHER_STACK", { host: inputs.host.name, path: resource.claim, found: toClaimant(claim) });
      if (claim !== undefined && claim.urn !== urn) return;
      const runJob = toJobRunner(pool, kind, inputs);
      const outcome = await runJob(work);
      const gone = (await readBack(pool, resource, inputs, outcome)).state !== "present";
      if (outcome.state === "unknown" && !gone)
        throw new CutterError("HOST_OUTCOME_UNKNOWN", { host: inputs.host.name, resource: resource.claim, seen: outcome.problem });
      // Released after the removal, and only what is gone: a folder that people's files keep alive stays the kit's, and a later up takes it up.
      if (gone) await releaseClaim(pool, runJob, inputs, { path: resource.claim, urn, sha256: claim?.sha256 ?? "", state: "released" });
      // Everything depends on this folder, so a destroy comes to it last.
      if (resource.claim === hostLayout.etc) say(await readRetainedSummary(await pool.get(inputs.host)));
    },
  };
}

/** The pool's connection, once what an interrupted command left running on the host has ended; waited for once per host, before any job of ours. */
function toConnector(pool: HostPool): (address: HostAddress) => Promise<RemoteHost> {
  const waited = new Map<string, Promise<void>>();
  return async (address) => {
    const host = await pool.get(address);
    const earlier = waited.get(address.name) ?? waitForEarlierJobs(host, earlierJobsTimeoutMs);
    waited.set(address.name, earlier);
    await earlier;
    return host;
  };
}

/** A claim that stays would let a later up take somebody else's file for its own. */
async function releaseClaim(
  pool: HostPool,
  runJob: (work: JobSpec) => Promise<JobOutcome>,
  { host }: BaseInputs,
  claim: OwnershipClaim,
): Promise<void> {
  const released = await runJob(withOwnershipClaim(claim, { script: ":", args: [] }));
  if (released.state === "done" || !(await readOwnershipClaims(await pool.get(host))).has(claim.path)) return;
  throw new CutterError("HOST_OUTCOME_UNKNOWN", {
    host: host.name,
    resource: claim.path,
    seen: `removed, but its claim was not given up: ${released.problem}`,
  });
}

/** Claims, writes, reads back. `standsAlready`: there is nothing to write. */
async function applyAndVerify(
  pool: HostPool,
  say: (line: string) => void,
  kind: Kind,
  urn: string,
  inputs: BaseInputs,
  found: boolean,
  alreadyApplied = false,
): Promise<void> {
  const resource = kind.bind(inputs);
  const claim: OwnershipClaim = {
    path: resource.claim,
    urn,
    sha256: sha256OfJson(inputs),
    state: "claimed",
    ...toContentSha256(inputs),
    ...(found ? { found } : {}),
  };
  const runJob = toJobRunner(pool, kind, inputs);
  const outcomes: JobOutcome[] = [];
  // The first job carries the claim. Where the end of a job was not seen the write stops, whatever it still had to do: the reading below decides.
  const run = async (work: JobSpec) => {
    const outcome = await runJob(outcomes.length > 0 ? work : withOwnershipClaim(claim, work));
    outcomes.push(outcome);
    if (outcome.state === "unknown") throw new OutcomeUnknown();
  };
  try {
    if (!alreadyApplied)
      await resource.write({
        host: toLastingHost(pool, inputs.host),
        runJob: run,
        openFresh: async () => await pool.openFresh(inputs.host),
        say,
      });
    if (outcomes.length === 0) await run({ script: ":", args: [] });
  } catch (error) {
    if (!(error instanceof OutcomeUnknown)) throw error;
  }
  const last = outcomes.at(-1);
  const differences = toDifferences(kind, await readBack(pool, resource, inputs, last), inputs);
  const facts = { host: inputs.host.name, resource: resource.claim, differs: differences };
  if (differences.length === 0) {
    if (last?.state !== "unknown" || (await readOwnershipClaims(await pool.get(inputs.host))).get(resource.claim)?.sha256 === claim.sha256)
      return;
    // It stood there as wanted before; without the claim a later destroy would not know whose it is.
    throw new CutterError("HOST_OUTCOME_UNKNOWN", { ...facts, seen: `as wanted, but its claim was not recorded: ${last.problem}` });
  }
  if (last?.state === "unknown") throw new CutterError("HOST_OUTCOME_UNKNOWN", { ...facts, seen: last.problem });
  throw new CutterError("HOST_NOT_AS_WRITTEN", facts);
}

/** Never leaves this file. */
class OutcomeUnknown extends Error {}

/** The host by whatever connection is open at the time: a write of several steps goes on over a new one. */
function toLastingHost(pool: HostPool, address: HostAddress): RemoteHost {
  return {
    address,
    isOpen: () => true,
    run: async (script, args, options) => await (await pool.get(address)).run(script, args, options),
    close: () => undefined,
  };
}

/** What stands there now. After a change nobody saw the end of, a reading that fails leaves the outcome unknown: "unreachable, nothing was changed" would be a guess. */
async function readBack(
  pool: HostPool,
  resource: BoundKind,
  inputs: BaseInputs,
  outcome: JobOutcome | undefined,
): Promise<Reading<BaseInputs>> {
  try {
    return await resource.read(await pool.get(inputs.host));
  } catch (cause) {
    if (outcome === undefined || (outcome.state === "done" && !(cause instanceof CutterError && cause.code === "HOST_UNREACHABLE")))
      throw cause;
    const seen = outcome.state === "unknown" ? outcome.problem : "it ended well, but could not be read back";
    throw new CutterError("HOST_OUTCOME_UNKNOWN", { host: inputs.host.name, resource: resource.claim, seen }, { cause });
  }
}

function toContentSha256(inputs: BaseInputs): { readonly contentSha256?: string } {
  return "content" in inputs && "sha256" in inputs && typeof inputs.sha256 === "string" ? { contentSha256: inputs.sha256 } : {};
}

function toJobRunner(pool: HostPool, kind: Kind, inputs: BaseInputs): (work: JobSpec) => Promise<JobOutcome> {
  const jobs = createJobRunner(async () => await pool.get(inputs.host));
  const resource = kind.bind(inputs).claim;
  return async (work) => await jobs.run({ timeoutMs: jobTimeoutMs, ...work, name: kind.type.toLowerCase(), resource });
}

function toDifferences(kind: Kind, reading: Reading<BaseInputs>, wanted: BaseInputs): readonly string[] {
  return reading.state === "present" ? kind.changes(reading.inputs, wanted).changed : [reading.state];
}

/** "mode 0755 → 0750, owner root → cutter". Of a text only that it is replaced: it is somebody's, and may hold a secret. */
function toShownDifferences(found: BaseInputs, wanted: BaseInputs, changed: readonly string[]): string {
  const [before, after] = [Object.entries(found), Object.entries(wanted)].map((entries) => new Map<string, unknown>(entries));
  const named = changed.filter((name) => name !== "sha256" && name !== "host");
  return named
    .map((name) => (name === "content" ? "its text is replaced" : `${name} ${String(before?.get(name))} → ${String(after?.get(name))}`))
    .join(", ");
}

function toForeign(resource: BoundKind, inputs: BaseInputs, found: string): CutterError {
  return new CutterError(resource.foreignCode, { host: inputs.host.name, path: resource.claim, found });
}
