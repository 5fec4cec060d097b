// The inputs of command:remote:Command 1.2.1 as a schema, with the defaults of the official provider.
import { z } from "zod";
import { unknownValue, unwrapped, type Properties } from "./wire.ts";

const endpoint = {
  host: z.string().min(1),
  /** `ssh-ed25519 AAAA…`, as in known_hosts without the name. The official provider accepts any host without it; the kit demands it. */
  hostKey: z
    .string({ error: "required: without it any host would be believed" })
    .regex(/^[a-z0-9@.-]+ [A-Za-z0-9+/]+={0,2}( .*)?$/, "not of the form `ssh-ed25519 AAAA…`"),
  port: z.int().min(1).max(65_535).default(22),
  user: z.string().min(1).default("root"),
  password: z.string().optional(),
  privateKey: z.string().optional(),
  privateKeyPassword: z.string().optional(),
  agentSocketPath: z.string().optional(),
  /** How many failed attempts to reach the host are forgiven; -1 is no limit. */
  dialErrorLimit: z.int().min(-1).default(10),
  /** Seconds for one attempt; 0 is no limit. */
  perDialTimeout: z.int().min(0).default(15),
};

const endpointSchema = z.strictObject(endpoint);
const connectionSchema = z.strictObject({ ...endpoint, proxy: endpointSchema.optional() });

const inputsSchema = z.strictObject({
  connection: connectionSchema,
  create: z.string().optional(),
  update: z.string().optional(),
  delete: z.string().optional(),
  stdin: z.string().optional(),
  environment: z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), z.string()).optional(),
  triggers: z.array(z.unknown()).optional(),
  logging: z.enum(["stdout", "stderr", "stdoutAndStderr", "none"]).default("stdoutAndStderr"),
  addPreviousOutputInEnv: z.boolean().default(true),
});

export type Endpoint = z.output<typeof endpointSchema>;
export type Connection = z.output<typeof connectionSchema>;
export type CommandInputs = z.output<typeof inputsSchema>;

/** The input names whose change is a change of the resource: all of them, the connection included. */
export const inputNames: readonly string[] = Object.keys(inputsSchema.shape);

/** What is wrong with inputs as the engine sends them. What is unknown in a preview is judged when it is known. */
export function inputFailures(properties: Properties): { readonly property: string; readonly reason: string }[] {
  const plain = unwrapped(properties);
  const parsed = inputsSchema.safeParse(plain);
  if (parsed.success) return [];
  return parsed.error.issues
    .filter((issue) => valueAt(plain, issue.path) !== unknownValue)
    .map((issue) => ({ property: issue.path.join("."), reason: issue.message }));
}

/** Inputs or recorded state, parsed; outputs beside them are left out. Throws when they are not what `inputFailures` accepts. */
export function toInputs(properties: Properties): CommandInputs {
  const plain = Object.entries(properties).filter(([name]) => inputNames.includes(name));
  return inputsSchema.parse(unwrapped(Object.fromEntries(plain)));
}

/** The value at the path, or the unknown value met on the way: below it nothing can be judged. */
function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let current = value;
  for (const step of path) {
    if (current === unknownValue || typeof current !== "object" || current === null) break;
    current = Reflect.get(current, step);
  }
  return current;
}
