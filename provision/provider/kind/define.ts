// What a kind of resource is: a schema, how to read the host in the form of its inputs, and repeatable jobs to write and remove.
import type { Readable } from "node:stream";
import type { z } from "zod";
import type { HostAddress } from "../../host/address.ts";
import type { RemoteHost } from "../../host/connection.ts";

/** Inputs every resource has. `adopt`: the operator listed it, so what stands there may be taken over. */
export interface BaseInputs {
  readonly host: HostAddress;
  readonly adopt: boolean;
}

/** `inputs` in `present` are the host's truth in the form of the resource's inputs, so that drift is a plain difference. */
export type Reading<Inputs> =
  | { readonly state: "absent" }
  | { readonly state: "obstructed"; readonly by: string }
  | { readonly state: "present"; readonly inputs: Inputs };

export interface JobSpec {
  readonly script: string;
  readonly args: readonly string[];
  readonly stdin?: Buffer | Readable;
  readonly timeoutMs?: number;
}

/** What `write` may use beside its inputs. `runJob` ends well or throws; `found` says that an equal thing stood there before us. */
export interface WriteContext {
  readonly host: RemoteHost;
  readonly runJob: (work: JobSpec) => Promise<void>;
  /** A new connection, for what only a new one proves; the caller closes it. */
  readonly openFresh: () => Promise<RemoteHost>;
  /** One line that a person should read beside the engine's own. */
  readonly say: (line: string) => void;
}

export interface KindSpec<Inputs extends BaseInputs> {
  readonly type: string;
  /** The arguments of resource-args.ts, and what the provider itself adds to them. All of it is compared, but for `adopt`. */
  readonly schema: z.ZodType<Inputs> & { readonly shape: Readonly<Record<string, z.ZodType>> };
  /** Pure: derived inputs, such as the digest of a content, and what can be judged without a host. @throws CutterError */
  readonly complete?: (inputs: Inputs) => Promise<Inputs> | Inputs;
  /** What the ownership manifest calls it: a path, or user:NAME. */
  readonly claimOf: (inputs: Inputs) => string;
  /** What `remove` takes from the host, where that is more than the claim: it stays as long as the program declares any such resource. */
  readonly removes?: string;
  readonly foreignCode: "FOREIGN_FILE" | "FOREIGN_ACCOUNT" | "ENV_LINE_FOREIGN";
  readonly read: (host: RemoteHost, inputs: Inputs) => Promise<Reading<Inputs>>;
  /** Brings the host to the inputs; may be repeated. Most kinds run one job. */
  readonly write: (context: WriteContext, inputs: Inputs) => Promise<void>;
  /** null: the thing is kept when the resource goes. */
  readonly remove: (inputs: Inputs) => JobSpec | null;
  /** An equal thing that stands there already may be claimed without being asked; a destroy then leaves it. */
  readonly adoptsEqual?: boolean;
}

/**
 * The same with the inputs' type closed in, so that kinds of all types stand in one list. Properties are parsed here, once, and then
 * trusted.
 */
export interface Kind {
  readonly type: string;
  /** From the program: checked and completed. @throws ZodError, CutterError */
  parse(properties: unknown): Promise<Resource>;
  /**
   * From the engine's state, completed once already: taken as it is, so that a key that has expired since can still be removed.
   * @throws ZodError
   */
  parseStored(properties: unknown): Resource;
  changes(before: unknown, after: unknown): { readonly changed: readonly string[]; readonly replaces: readonly string[] };
}

/** One resource: a kind with its parsed inputs. */
export interface Resource {
  readonly type: string;
  readonly inputs: BaseInputs;
  readonly claim: string;
  readonly removes: string;
  readonly foreignCode: KindSpec<BaseInputs>["foreignCode"];
  readonly adoptsEqual: boolean;
  /** Names of the inputs in which a reading differs from these. */
  differencesFrom(found: BaseInputs): readonly string[];
  read(host: RemoteHost): Promise<Reading<BaseInputs>>;
  write(context: WriteContext): Promise<void>;
  remove(): JobSpec | null;
}

export function defineKind<Inputs extends BaseInputs>(spec: KindSpec<Inputs>): Kind {
  const { type, schema, foreignCode, adoptsEqual = false } = spec;
  const compared = [...Object.keys(schema.shape).filter((name) => name !== "adopt"), "obstructedBy", "unclaimed"];
  const toChanged = (before: unknown, after: unknown) => compared.filter((name) => toText(before, name) !== toText(after, name));
  const toResource = (inputs: Inputs): Resource => ({
    type,
    inputs,
    claim: spec.claimOf(inputs),
    removes: spec.removes ?? spec.claimOf(inputs),
    foreignCode,
    adoptsEqual,
    differencesFrom: (found) => toChanged(found, inputs),
    read: async (host) => await spec.read(host, inputs),
    write: async (context) => await spec.write(context, inputs),
    remove: () => spec.remove(inputs),
  });
  return {
    type,
    parse: async (properties) => {
      const inputs = schema.parse(properties);
      return toResource(spec.complete === undefined ? inputs : await spec.complete(inputs));
    },
    parseStored: (properties) => toResource(schema.parse(properties)),
    changes: (before, after) => {
      const changed = toChanged(before, after);
      const replaces = changed.filter((name) => schema.shape[name]?.meta()?.["replaces"] === true);
      return { changed, replaces };
    },
  };
}

function toField(properties: unknown, name: string): unknown {
  return typeof properties === "object" && properties !== null ? (properties as Readonly<Record<string, unknown>>)[name] : undefined;
}

/** Field order does not matter: the engine gives objects back with sorted keys. */
function toText(properties: unknown, name: string): string {
  return JSON.stringify(toSorted(toField(properties, name) ?? null));
}

function toSorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toSorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, toSorted(inner)]),
  );
}
