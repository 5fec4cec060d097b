// Schema of the stack config: cutter-kit: says which host and what goes there, orchestrator: is the orchestrator's own configuration.
import { z } from "zod";
import { orchestratorConfigSchema, type OrchestratorConfig } from "../../orchestrator/core/config-schema.ts";
import { CutterError } from "../../orchestrator/core/errors.ts";
import { hostAddressSchema, type HostAddress } from "../host/address.ts";

/** What Pulumi.contabo.example.yaml has wherever a person must fill in; it fits no schema and is refused by the key's name. */
export const configPlaceholder = "FILL_IN";

const sha256 = z.string().regex(/^[0-9a-f]{64}$/, "64 lower-case hex digits");
const fingerprint = z.string().regex(/^[0-9A-F]{40}$/, "40 upper-case hex digits");
const localPath = z.string().min(1); // on the operator's machine, relative to the checkout
const pinnedFile = z.strictObject({ path: localPath, sha256 });
const pinnedKey = z.strictObject({ path: localPath, sha256, fingerprint });

/** The engine hands a number inside a list over as text. */
const listedHost = hostAddressSchema.extend({
  port: z
    .preprocess((value) => (typeof value === "string" && /^\d{1,5}$/.test(value) ? Number(value) : value), hostAddressSchema.shape.port)
    .default(22),
  user: hostAddressSchema.shape.user.default("root"),
});

const kitSchema = z.strictObject({
  ...hostAddressSchema.omit({ name: true }).partial().shape,
  agentKey: z
    .string()
    .regex(/^(SHA256:[A-Za-z0-9+/]{43})?$/, "SHA256: and 43 characters, as ssh-add -l prints it, or empty")
    .default("")
    .describe("The one key of the ssh-agent to offer; empty: the agent's first six."),
  hosts: z.array(listedHost).min(1).optional().describe("Several hosts instead of the single one."),
  psql: z.array(z.string().min(1)).min(1).describe("argv that reaches psql on the host, read-only discovery. Never without -U."),
  adopt: z.array(z.string()).default([]).describe("Paths, user:NAME or group:NAME that stand there already and may be taken over."),
  release: z
    .string()
    .regex(/^(\d+\.\d+\.\d+-[0-9a-f]{12})?$/)
    .default("")
    .describe("A release to go back to; empty: the one built from this checkout."),
  rollbackRunbook: pinnedFile,
  keys: z.strictObject({
    backup: pinnedKey,
    sovereign: pinnedKey.optional(),
    architect: pinnedKey.optional(),
    kbCa: pinnedFile.optional(),
  }),
});

export interface StackConfig {
  readonly stack: string;
  readonly hosts: readonly HostAddress[];
  readonly agentKey: string | null;
  readonly psql: readonly string[];
  readonly adopt: readonly string[];
  readonly release: string;
  readonly rollbackRunbook: z.infer<typeof pinnedFile>;
  readonly keys: z.infer<typeof kitSchema>["keys"];
  readonly orchestrator: OrchestratorConfig;
}

/**
 * Pure. `raw` is the engine's flat config: `namespace:key` → text, objects and numbers as JSON; or the same keys with YAML values.
 * @throws STACK_CONFIG_INVALID naming every key that does not fit.
 */
export function parseStackConfig(stack: string, raw: Readonly<Record<string, unknown>>): StackConfig {
  const [kitValues, orchestratorValues] = [toNamespace(raw, "cutter-kit"), toNamespace(raw, "orchestrator")];
  const unfilled = [...toPlaceholders("cutter-kit:", kitValues), ...toPlaceholders("orchestrator:", orchestratorValues)];
  if (unfilled.length > 0) throw new CutterError("STACK_CONFIG_INVALID", { stack, problems: unfilled });
  const kit = kitSchema.safeParse(kitValues);
  const orchestrator = orchestratorConfigSchema.safeParse(orchestratorValues);
  const problems = [...toProblems("cutter-kit", kit, kitValues), ...toProblems("orchestrator", orchestrator, orchestratorValues)];
  if (!kit.success || !orchestrator.success) throw new CutterError("STACK_CONFIG_INVALID", { stack, problems });
  const hosts = toHosts(stack, kit.data);
  const { psql, adopt, release, rollbackRunbook, keys } = kit.data;
  const mismatches = toMismatches(kit.data, orchestrator.data);
  if (mismatches.length > 0) throw new CutterError("STACK_CONFIG_INVALID", { stack, problems: mismatches });
  return {
    stack,
    hosts,
    agentKey: kit.data.agentKey || null,
    psql,
    adopt,
    release,
    rollbackRunbook,
    keys,
    orchestrator: orchestrator.data,
  };
}

function toHosts(stack: string, kit: z.infer<typeof kitSchema>): readonly HostAddress[] {
  if (kit.hosts !== undefined) {
    if ([kit.host, kit.port, kit.user, kit.hostKey, kit.machineIdentity].some((value) => value !== undefined))
      throw new CutterError("STACK_CONFIG_INVALID", {
        stack,
        problems: ["cutter-kit: either hosts or host, port, user, hostKey, machineIdentity"],
      });
    const names = kit.hosts.map(({ name }) => name);
    if (new Set(names).size !== names.length)
      throw new CutterError("STACK_CONFIG_INVALID", { stack, problems: ["cutter-kit:hosts: two hosts of one name"] });
    return kit.hosts;
  }
  const single = {
    name: stack,
    host: kit.host,
    port: kit.port ?? 22,
    user: kit.user ?? "root",
    hostKey: kit.hostKey,
    machineIdentity: kit.machineIdentity,
  };
  const host = hostAddressSchema.safeParse(single);
  if (!host.success) throw new CutterError("STACK_CONFIG_INVALID", { stack, problems: toProblems("cutter-kit", host, single) });
  return [host.data];
}

/** What stands in two places must be the same. */
function toMismatches(kit: z.infer<typeof kitSchema>, orchestrator: OrchestratorConfig): readonly string[] {
  return [
    ...(kit.keys.backup.fingerprint === orchestrator.backup_gpg_fpr
      ? []
      : ["orchestrator:backup_gpg_fpr differs from cutter-kit:keys.backup.fingerprint"]),
    ...((orchestrator.kb_ca_file === null) === (kit.keys.kbCa === undefined)
      ? []
      : ["orchestrator:kb_ca_file and cutter-kit:keys.kbCa go together: set both or none"]),
    ...(orchestrator.kb_ca_file === null || orchestrator.kb_ca_file === "/etc/cutter/keys/kb-ca.pem"
      ? []
      : ["orchestrator:kb_ca_file: the kit puts the CA at /etc/cutter/keys/kb-ca.pem"]),
  ];
}

function toNamespace(raw: Readonly<Record<string, unknown>>, namespace: string): Readonly<Record<string, unknown>> {
  const entries = Object.entries(raw).filter(([key]) => key.startsWith(`${namespace}:`));
  return Object.fromEntries(entries.map(([key, value]) => [key.slice(namespace.length + 1), toValue(value)]));
}

/** Only what JSON would write the same way is read as JSON, so a digest of digits stays text. */
function toValue(value: unknown): unknown {
  if (typeof value !== "string") return value;
  if (value === "null" || value === "true" || value === "false" || /^-?(0|[1-9]\d{0,14})$/.test(value)) return JSON.parse(value);
  if (!/^[[{]/.test(value)) return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

/** Every place below `key` where the example's placeholder stands still. */
function toPlaceholders(key: string, value: unknown): readonly string[] {
  if (typeof value === "string") return value.includes(configPlaceholder) ? [`${key}: still ${configPlaceholder}`] : [];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, below]) => toPlaceholders(key.endsWith(":") ? `${key}${name}` : `${key}.${name}`, below));
}

function toProblems(namespace: string, result: z.ZodSafeParseResult<unknown>, values: unknown): readonly string[] {
  if (result.success) return [];
  return result.error.issues.flatMap((issue) => {
    if (issue.code === "unrecognized_keys")
      return issue.keys.map((key) => `${namespace}:${[...issue.path, key].join(".")}: there is no such key`);
    return [`${namespace}:${issue.path.join(".")}: ${isMissing(values, issue.path) ? "is missing" : issue.message}`];
  });
}

function isMissing(values: unknown, path: readonly PropertyKey[]): boolean {
  let value = values;
  for (const name of path) value = typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
  return value === undefined || value === null;
}
