// Steps that a killed engine announced and never recorded: it warns of each, and keeps a create until it is told to forget it. file://
// only.
import { existsSync, readFileSync, readdirSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";

const operationSchema = z.object({
  type: z.string(), // the engine's word: creating, updating, deleting
  resource: z.object({ urn: z.string(), type: z.string(), custom: z.boolean().optional() }),
});
const stateSchema = z.object({
  checkpoint: z.object({ latest: z.object({ pending_operations: z.array(operationSchema).optional() }) }),
});

type Operation = z.infer<typeof operationSchema>;

/**
 * What one of ours began is safe to forget: an up looks at the host first, and what a create made is claimed in the host's manifest. The
 * proof only reads.
 */
const repeatableTypes = /^(cutterhost:index:|command:remote:Command$|pulumi:providers:)/;

export interface ForgottenStep {
  readonly stack: string;
  readonly urn: string;
  readonly type: string;
}

/**
 * Lets the engine forget the pending steps of each stack that nobody has locked and where all that is pending is the kit's own; gives
 * what it forgot. Anything else stays for the engine to show. `runEngine` runs `pulumi args…` to its end.
 */
export function forgetPendingSteps(backendUrl: string, runEngine: (args: readonly string[]) => void): readonly ForgottenStep[] {
  if (!backendUrl.startsWith("file:///")) return [];
  const root = join(fileURLToPath(backendUrl), ".pulumi");
  if (!existsSync(join(root, "stacks"))) return [];
  return readdirSync(join(root, "stacks"), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".json"))
    .flatMap((file) => {
      const [project, stack] = [dirname(file), basename(file, ".json")];
      const pending = readPending(join(root, "stacks", file));
      if (pending.length === 0 || !pending.every(isRepeatable) || isLocked(join(root, "locks/organization", project, stack))) return [];
      runEngine(toForget(project, stack));
      if (readPending(join(root, "stacks", file)).length > 0) return [];
      return [...new Map(pending.map(({ type, resource: { urn } }) => [urn, { stack, urn, type }])).values()];
    });
}

/** For the person at the terminal. */
export function toForgottenLine({ stack, urn, type }: ForgottenStep): string {
  return `[INFO] stack ${stack}: interrupted while ${type}, and looked at again: ${urn.split("::").at(-1) ?? urn}`;
}

/**
 * A refresh of the stack's own entry alone: no program, no provider, no host. Pending creates go by the flag, all others by any refresh.
 */
function toForget(project: string, stack: string): readonly string[] {
  const target = `urn:pulumi:${stack}::${project}::pulumi:pulumi:Stack::${project}-${stack}`;
  const unattended = ["--yes", "--skip-preview", "--non-interactive"];
  const name = `organization/${project}/${stack}`;
  return ["refresh", "--clear-pending-creates", ...unattended, "--run-program=false", "--target", target, "--stack", name];
}

/** Empty as well for a file that cannot be understood. */
function readPending(file: string): readonly Operation[] {
  try {
    if (!statSync(file).isFile()) return []; // a project may be called x.json, a pipe would never end
    const text = readFileSync(file, "utf8");
    if (!text.includes('"pending_operations"')) return []; // spares the parsing of a large state at each start
    return stateSchema.parse(JSON.parse(text)).checkpoint.latest.pending_operations ?? [];
  } catch {
    return [];
  }
}

/** A component is nothing on a host. */
function isRepeatable({ resource }: Operation): boolean {
  return resource.custom !== true || repeatableTypes.test(resource.type);
}

function isLocked(locks: string): boolean {
  return existsSync(locks) && readdirSync(locks).length > 0;
}
