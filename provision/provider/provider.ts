// Our Pulumi provider: the engine's questions, answered by the kinds. No closure is in state, so destroy and refresh run this code.
import type {
  CheckResult,
  CreateResult,
  DiffResult,
  InvokeResult,
  Provider,
  ReadResult,
  UpdateResult,
} from "@pulumi/pulumi/provider/provider.js";
import { z } from "zod";
import { CutterError } from "../../orchestrator/core/errors.ts";
import { toGaps } from "../../orchestrator/core/gaps/gaps.ts";
import { hostLayout } from "../../orchestrator/core/host/layout.ts";
import { verifyArchivedRulings } from "../../orchestrator/core/gaps/archived-rulings.ts";
import { hostAddressSchema, type HostAddress } from "../host/address.ts";
import type { HostPool } from "../host/pool.ts";
import { readSurveyFacts } from "../survey/read-facts.ts";
import { createPreflight, type Preflight } from "./preflight.ts";
import { createDeclared } from "./declared.ts";
import { createExecutionGuard } from "./kinds/support/execution.ts";
import type { BaseInputs, Kind, Resource } from "./kind/define.ts";
import { kinds } from "./kinds/index.ts";
import { readHostWide } from "./kinds/support/overrides.ts";
import { createLifecycle, type Lifecycle } from "./lifecycle.ts";
import { createStateClaims, type StateClaims } from "./state-claims.ts";

const packageName = "cutterhost";

/** `say` gets what a person should read beside the engine's own lines. */
export function createProvider(pool: HostPool, say: (line: string) => void): Provider {
  const unreachable = new Set<string>(); // hosts of several that do not let us in: what the state says of them stays until the next command
  const recorded = createStateClaims();
  const declared = createDeclared();
  const sayOnce = toSayOnce(say);
  const wantedConfigs = new Map<string, string>();
  const preflight = createPreflight(recorded);
  const lifecycle: Lifecycle = createLifecycle(pool, createExecutionGuard(pool, say, wantedConfigs), recorded, say);
  /** A host that cannot be asked now is refused by what comes next. */
  const reportFindings = async (resource: Resource, urn: string, olds: unknown): Promise<void> => {
    const { host, adopt } = resource.inputs;
    const refusal = preflight.takeWarning(host);
    if (refusal !== null) say(`[WARN] ${refusal}`);
    const before = toMachineIdentity(olds);
    if (before === host.machineIdentity) return;
    if (before !== null) sayOnce(toMovedLine(host, before));
    const takeover = adopt ? await lifecycle.readTakeover(resource, urn).catch(() => null) : null;
    if (takeover !== null) say(`[WARN] host ${host.name}: ${takeover}`);
  };
  return {
    version: "0.6.0",
    check: async (urn: string, olds: unknown, news: unknown): Promise<CheckResult> => {
      try {
        const resource = await findKind(urn).parse(withoutInternals(news));
        declared.note(resource.inputs.host, resource.removes);
        await reportFindings(resource, urn, olds);
        return { inputs: toBag(resource.inputs) };
      } catch (error) {
        if (error instanceof z.ZodError)
          return { failures: error.issues.map(({ path, message }) => ({ property: path.join("."), reason: message })) };
        return { failures: [{ property: "", reason: toMessage(error) }] };
      }
    },
    diff: async (_id: string, urn: string, olds: unknown, news: unknown): Promise<DiffResult> => {
      const { changed, replaces } = findKind(urn).changes(olds, news);
      return { changes: changed.length > 0, replaces: [...replaces] };
    },
    create: async (urn: string, news: unknown): Promise<CreateResult> =>
      await plain(async () => {
        const resource = parseStored(urn, news);
        preflight.require(resource.inputs.host);
        await lifecycle.create(resource, urn);
        return { id: resource.claim, outs: toBag(resource.inputs) };
      }),
    read: async (id: string, urn: string, props: unknown): Promise<ReadResult> =>
      await plain(async () => {
        const resource = parseStored(urn, props);
        const found = unreachable.has(resource.inputs.host.name) ? resource.inputs : await lifecycle.read(resource, urn);
        return found === null ? { id: "", props: {} } : { id, props: toBag(found), inputs: toBag(found) };
      }),
    update: async (_id: string, urn: string, olds: unknown, news: unknown): Promise<UpdateResult> =>
      await plain(async () => {
        const resource = parseStored(urn, news);
        const { host } = resource.inputs;
        preflight.require(host);
        // On another machine than before, what stands there was not made by this resource: as new, it is refused where it is not ours.
        if (toMachineIdentity(olds) === host.machineIdentity) await lifecycle.update(resource, urn);
        else await lifecycle.create(resource, urn);
        return { outs: toBag(resource.inputs) };
      }),
    delete: async (_id: string, urn: string, props: unknown): Promise<void> =>
      await plain(async () => {
        const resource = parseStored(urn, props);
        const { host } = resource.inputs;
        // Made anew at the same place before this is asked (--replace), or left to be done by a command that broke off.
        if (declared.has(host, resource.removes)) return;
        if (declared.isSuperseded(host)) sayOnce(toLeftLine(host));
        else await lifecycle.remove(resource, urn);
      }),
    invoke: async (token: string, args: unknown): Promise<InvokeResult> =>
      await plain(async () => {
        if (token === `${packageName}:index:reachHost`) {
          const { host, goOnWithout } = reachArgsSchema.parse(args);
          const problem = await readProblem(pool, host, say);
          if (problem !== null && goOnWithout) unreachable.add(host.name);
          return { outputs: { problem } };
        }
        if (token === `${packageName}:index:noteRecorded`) {
          for (const { type, outputs } of recordedArgsSchema.parse(args).resources) noteRecorded(recorded, type, outputs);
          return { outputs: {} };
        }
        if (token === `${packageName}:index:clearHost`) {
          const asked = preflightArgsSchema.parse(args);
          const config = asked.lines[hostLayout.config];
          if (config !== undefined) wantedConfigs.set(asked.host.name, config);
          return { outputs: { looked: await preflightHost(pool, preflight, asked) } };
        }
        if (token !== `${packageName}:index:surveyHost`) throw new CutterError("RESOURCE_INVALID", { token });
        const { host, psql } = surveyArgsSchema.parse(args);
        const facts = await readSurveyFacts(await pool.get(host), psql);
        return {
          outputs: {
            gaps: toGaps(facts, await verifyArchivedRulings(facts, new Date())),
            executionEnabled: facts.armed.length > 0 || facts.live.length > 0,
          },
        };
      }),
  };
}

const stateHostSchema = z.object({ host: z.object({ machineIdentity: z.string() }) });

/** Of the machine that the engine's state has this resource on; null: the state knows nothing of it yet. */
function toMachineIdentity(olds: unknown): string | null {
  return stateHostSchema.safeParse(olds).data?.host.machineIdentity ?? null;
}

const toShort = (machineIdentity: string): string => machineIdentity.slice(0, 12);

function toMovedLine({ name, machineIdentity }: HostAddress, before: string): string {
  return (
    `[WARN] host ${name}: the stack names another machine (${toShort(machineIdentity)}…) than its state (${toShort(before)}…): up makes ` +
    "everything on the one the stack names, or takes up what is ours there, and removes nothing from the other; a machine that is still " +
    "there and is to be cleared: pin it again and pulumi destroy, before this up"
  );
}

function toLeftLine({ name, machineIdentity }: HostAddress): string {
  return `[WARN] host ${name}: nothing was removed from the machine ${toShort(machineIdentity)}…, in whose place the stack names another`;
}

/** Many resources find the same. */
function toSayOnce(say: (line: string) => void): (line: string) => void {
  const said = new Set<string>();
  return (line) => {
    if (said.has(line)) return;
    said.add(line);
    say(line);
  };
}

const recordedArgsSchema = z.object({ resources: z.array(z.object({ type: z.string(), outputs: z.unknown() })) });

/** What an older kit recorded in another form is asked about at its own turn. */
function noteRecorded(recorded: StateClaims, type: string, outputs: unknown): void {
  try {
    const { inputs, claim } = parseStored(`::::${type}`, outputs);
    recorded.note(inputs.host, claim);
  } catch (error) {
    if (!(error instanceof z.ZodError)) throw error;
  }
}

const preflightArgsSchema = z.object({
  host: hostAddressSchema,
  urn: z.string(),
  claims: z.array(z.string()),
  lines: z.record(z.string(), z.string()),
  warn: z.boolean(),
});

/** False for a host that cannot be asked now: it is refused by what comes next, by its own name; other hosts go on. */
async function preflightHost(
  pool: HostPool,
  preflight: Preflight,
  { host, urn, claims, lines, warn }: z.infer<typeof preflightArgsSchema>,
): Promise<boolean> {
  return await pool
    .get(host)
    .then(async (open) => (await preflight.check(open, urn, claims, { lines, warn }), true))
    .catch(() => false);
}

const reachArgsSchema = z.object({ host: hostAddressSchema, goOnWithout: z.boolean().default(false) });
const surveyArgsSchema = z.object({ host: hostAddressSchema, psql: z.array(z.string()).min(1) });

/**
 * Over the pooled connection, so that a refused authentication is not tried a second time for this. On a host that lets us in it also looks
 * for drop-ins of all units, which are no drift of ours and yet change our units: a person should know.
 */
async function readProblem(pool: HostPool, address: HostAddress, say: (line: string) => void): Promise<string | null> {
  try {
    for (const path of await readHostWide(await pool.get(address)))
      say(`[WARN] host ${address.name}: ${path} changes every unit of the host, the kit's too; it is not the kit's, so up leaves it`);
    return null;
  } catch (error) {
    return toMessage(error);
  }
}

function findKind(urn: string): Kind {
  const type = urn.split("::")[2]?.split("$").at(-1)?.split(":").at(-1) ?? "";
  const kind = kinds.find((candidate) => candidate.type === type);
  if (kind === undefined) throw new CutterError("RESOURCE_INVALID", { type });
  return kind;
}

function parseStored(urn: string, properties: unknown): Resource {
  return findKind(urn).parseStored(withoutInternals(properties));
}

/** The engine adds `__internal`-like fields; what a reading added (`obstructedBy`, `unclaimed`) is no input either. */
function withoutInternals(properties: unknown): unknown {
  if (typeof properties !== "object" || properties === null) return properties;
  return Object.fromEntries(
    Object.entries(properties).filter(([name]) => !name.startsWith("__") && name !== "obstructedBy" && name !== "unclaimed"),
  );
}

function toBag(inputs: BaseInputs): Record<string, unknown> {
  return Object.fromEntries(Object.entries(inputs).filter(([, value]) => value !== undefined));
}

function toMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The SDK prints stacks to the terminal; a person needs the one line that says what to do. */
async function plain<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    const shown = new Error(toMessage(error));
    if (error instanceof CutterError) shown.stack = "";
    else if (error instanceof Error && error.stack !== undefined) shown.stack = error.stack;
    throw shown;
  }
}
