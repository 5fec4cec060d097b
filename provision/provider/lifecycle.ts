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
import type { BaseInputs, JobSpec, Reading, Resource } from "./kind/define.ts";
import { readOwnership, readOwnershipClaims, withOwnershipClaim, type OwnershipClaim } from "./ownership.ts";
import type { StateClaims } from "./state-claims.ts";

const jobTimeoutMs = 60_000;
const earlierJobsTimeoutMs = 20_000;

export interface Lifecycle {
  /** Also the way to finish a create that was interrupted: what the manifest claims for this stack, or its state has, is taken up. */
  create(resource: Resource, urn: string): Promise<void>;
  /**
   * null: it is gone. `obstructedBy`: something of another sort stands there. `unclaimed`: the ownership manifest has lost it, or knows it
   * as another stack's, which an update mends.
   */
  read(resource: Resource, urn: string): Promise<(BaseInputs & { readonly obstructedBy?: string; readonly unclaimed?: string }) | null>;
  /**
   * What a create would take over because it is listed under `adopt`, and in what it differs from the inputs; null: nothing stands there,
   * or it is ours. Reads only.
   */
  readTakeover(resource: Resource, urn: string): Promise<string | null>;
  update(resource: Resource, urn: string): Promise<void>;
  /**
   * Leaves what another resource has claimed since, what was found and not made, and what its kind keeps.
   * @throws CLAIMED_BY_OTHER_STACK
   */
  remove(resource: Resource, urn: string): Promise<void>;
}

/**
 * `guard` is asked before each change: a live run that has written keeps the host as it is, and tokens go first. `say` shows a line to the
 * operator.
 */
export function createLifecycle(pool: HostPool, guard: ExecutionGuard, recorded: StateClaims, say: (line: string) => void): Lifecycle {
  const connect = toConnector(pool);
  /** `how`: the change that may follow, of which the guard is asked. */
  const observe = async (resource: Resource, urn: string, how: "create" | "update" | null) => {
    const host = await connect(resource.inputs.host);
    const permitted = how === null ? "apply" : await guard(resource.inputs.host, { claim: resource.claim, how });
    const [ownershipOf, reading] = await Promise.all([readOwnership(host, urn, recorded), resource.read(host)]);
    return { ...ownershipOf(resource.claim), reading, permitted };
  };
  return {
    create: async (resource, urn) => {
      const { claim, isOurs, claimant, reading } = await observe(resource, urn, "create");
      if (reading.state === "obstructed") throw toForeign(resource, reading.by);
      const equal = resource.adoptsEqual && toDifferences(resource, reading).length === 0;
      if (reading.state === "present" && !isOurs && !resource.inputs.adopt && !equal) throw toForeign(resource, claimant);
      await applyAndVerify(pool, say, resource, urn, claim === undefined ? equal : claim.found === true);
    },
    read: async (resource, urn) => {
      const { isClaimed, claimant, reading } = await observe(resource, urn, null);
      if (reading.state === "absent") return null;
      if (reading.state === "obstructed") return { ...resource.inputs, obstructedBy: reading.by };
      return isClaimed ? reading.inputs : { ...reading.inputs, unclaimed: claimant };
    },
    readTakeover: async (resource, urn) => {
      const { isOurs, reading } = await observe(resource, urn, null);
      if (reading.state !== "present" || isOurs) return null;
      const differences = toShownDifferences(resource, reading.inputs);
      return (
        `${resource.claim} stands there and is listed under cutter-kit:adopt: up takes it ` +
        `over${differences === "" ? " as it is" : `, ${differences}`}`
      );
    },
    update: async (resource, urn) => {
      const { claim, isClaimed, reading, permitted } = await observe(resource, urn, "update");
      if (permitted === "leave") return;
      if (reading.state === "obstructed") throw toForeign(resource, reading.by);
      const onlyUnclaimed = !isClaimed && toDifferences(resource, reading).length === 0;
      // Whether it stood there before us is lost with a claim: a destroy then rather leaves it.
      const found = claim === undefined ? onlyUnclaimed && resource.adoptsEqual : claim.found === true;
      await applyAndVerify(pool, say, resource, urn, found, onlyUnclaimed);
    },
    remove: async (resource, urn) => {
      const { host: address } = resource.inputs;
      const host = await connect(address);
      await guard(address, { claim: resource.claim, how: "remove" });
      const { claim, isClaimed, claimant } = (await readOwnership(host, urn, recorded))(resource.claim);
      const work = resource.remove();
      if (work === null || claim?.found === true) return;
      if (claim !== undefined && !isClaimed)
        throw new CutterError("CLAIMED_BY_OTHER_STACK", { host: address.name, path: resource.claim, found: claimant });
      if (claim !== undefined && claim.urn !== urn) return;
      const runJob = toJobRunner(pool, resource);
      const outcome = await runJob(work);
      const gone = (await readBack(pool, resource, outcome)).state !== "present";
      if (outcome.state === "unknown" && !gone)
        throw new CutterError("HOST_OUTCOME_UNKNOWN", { host: address.name, resource: resource.claim, seen: outcome.problem });
      // Released after the removal, and only what is gone: a folder that people's files keep alive stays the kit's, and a later up takes it
      // up.
      if (gone) await releaseClaim(pool, runJob, address, { path: resource.claim, urn, sha256: claim?.sha256 ?? "", state: "released" });
      // Everything depends on this folder, so a destroy comes to it last.
      if (resource.claim === hostLayout.etc) say(await readRetainedSummary(await pool.get(address)));
    },
  };
}

/**
 * The pool's connection, once what an interrupted command left running on the host has ended; waited for once per host, before any job of
 * ours.
 */
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
  address: HostAddress,
  claim: OwnershipClaim,
): Promise<void> {
  const released = await runJob(withOwnershipClaim(claim, { script: ":", args: [] }));
  if (released.state === "done" || !(await readOwnershipClaims(await pool.get(address))).has(claim.path)) return;
  throw new CutterError("HOST_OUTCOME_UNKNOWN", {
    host: address.name,
    resource: claim.path,
    seen: `removed, but its claim was not given up: ${released.problem}`,
  });
}

/** Claims, writes, reads back. `alreadyApplied`: there is nothing to write. */
async function applyAndVerify(
  pool: HostPool,
  say: (line: string) => void,
  resource: Resource,
  urn: string,
  found: boolean,
  alreadyApplied = false,
): Promise<void> {
  const { inputs } = resource;
  const claim: OwnershipClaim = {
    path: resource.claim,
    urn,
    sha256: sha256OfJson(inputs),
    state: "claimed",
    ...toContentSha256(inputs),
    ...(found ? { found } : {}),
  };
  const runJob = toJobRunner(pool, resource);
  const outcomes: JobOutcome[] = [];
  // The first job carries the claim. Where the end of a job was not seen the write stops, whatever it still had to do: the reading below
  // decides.
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
  const differences = toDifferences(resource, await readBack(pool, resource, last));
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

/**
 * What stands there now. After a change nobody saw the end of, a reading that fails leaves the outcome unknown: "unreachable, nothing was
 * changed" would be a guess.
 */
async function readBack(pool: HostPool, resource: Resource, outcome: JobOutcome | undefined): Promise<Reading<BaseInputs>> {
  try {
    return await resource.read(await pool.get(resource.inputs.host));
  } catch (cause) {
    if (outcome === undefined || (outcome.state === "done" && !(cause instanceof CutterError && cause.code === "HOST_UNREACHABLE")))
      throw cause;
    const seen = outcome.state === "unknown" ? outcome.problem : "it ended well, but could not be read back";
    throw new CutterError("HOST_OUTCOME_UNKNOWN", { host: resource.inputs.host.name, resource: resource.claim, seen }, { cause });
  }
}

function toContentSha256(inputs: BaseInputs): { readonly contentSha256?: string } {
  return "content" in inputs && "sha256" in inputs && typeof inputs.sha256 === "string" ? { contentSha256: inputs.sha256 } : {};
}

function toJobRunner(pool: HostPool, { type, inputs, claim }: Resource): (work: JobSpec) => Promise<JobOutcome> {
  const jobs = createJobRunner(async () => await pool.get(inputs.host));
  return async (work) => await jobs.run({ timeoutMs: jobTimeoutMs, ...work, name: type.toLowerCase(), resource: claim });
}

function toDifferences(resource: Resource, reading: Reading<BaseInputs>): readonly string[] {
  return reading.state === "present" ? resource.differencesFrom(reading.inputs) : [reading.state];
}

/** "mode 0755 → 0750, owner root → cutter". Of a text only that it is replaced: it is somebody's, and may hold a secret. */
function toShownDifferences(resource: Resource, found: BaseInputs): string {
  const [before, after] = [found, resource.inputs].map((inputs) => new Map<string, unknown>(Object.entries(inputs)));
  const named = resource.differencesFrom(found).filter((name) => name !== "sha256" && name !== "host");
  return named
    .map((name) => (name === "content" ? "its text is replaced" : `${name} ${String(before?.get(name))} → ${String(after?.get(name))}`))
    .join(", ");
}

function toForeign({ foreignCode, inputs, claim }: Resource, found: string): CutterError {
  return new CutterError(foreignCode, { host: inputs.host.name, path: claim, found });
}
