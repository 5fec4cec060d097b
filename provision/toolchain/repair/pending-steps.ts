// Steps that a killed engine announced and never recorded: the next up warns of each, a create stays in the state for ever, and a person is asked for an interactive refresh. Only for file:// state.
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { hostname, userInfo } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { ownLockPrefix, type StateLock } from "./stale-lock.ts";

const operationSchema = z.looseObject({ type: z.string(), resource: z.looseObject({ urn: z.string(), type: z.string() }) });
const stateSchema = z.looseObject({
  checkpoint: z.looseObject({ latest: z.looseObject({ pending_operations: z.array(operationSchema).optional() }) }),
});

/** What one of ours began is safe to forget: an up looks at the host first, and what a create made is claimed in the host's manifest. The proof only reads. */
const repeatableTypes = /^(cutterhost:index:|command:remote:Command$)/;

export interface ForgottenStep {
  readonly stack: string;
  readonly urn: string;
  readonly type: string; // the engine's word: creating, updating, deleting
}

/**
 * Takes the pending steps of the kit's own resources out of each stack's state that nobody has locked; gives what was taken out. Anything else that is
 * pending, a locked stack and a file that cannot be understood stay for the engine. Holds the stack's lock meanwhile, and replaces the file whole.
 */
export function forgetPendingSteps(backendUrl: string): readonly ForgottenStep[] {
  if (!backendUrl.startsWith("file:///")) return [];
  const root = join(fileURLToPath(backendUrl), ".pulumi");
  if (!existsSync(join(root, "stacks"))) return [];
  return readdirSync(join(root, "stacks"), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name: project }) =>
      readdirSync(join(root, "stacks", project))
        .filter((file) => file.endsWith(".json"))
        .flatMap((file) =>
          forgetIn(join(root, "stacks", project, file), join(root, "locks/organization", project, basename(file, ".json"))),
        ),
    );
}

/** For the person at the terminal. */
export function toForgottenLine({ stack, urn, type }: ForgottenStep): string {
  return `[INFO] stack ${stack}: interrupted while ${type}, and looked at again: ${urn.split("::").at(-1) ?? urn}`;
}

function forgetIn(file: string, locks: string): readonly ForgottenStep[] {
  if (!readFileSync(file, "utf8").includes('"pending_operations"')) return [];
  const lockFile = join(locks, `${ownLockPrefix}${process.pid}.json`);
  const own: StateLock = { pid: process.pid, username: userInfo().username, hostname: hostname(), timestamp: new Date().toISOString() };
  mkdirSync(locks, { recursive: true });
  writeFileSync(lockFile, JSON.stringify(own), { flag: "wx" });
  try {
    if (readdirSync(locks).filter((name) => name.endsWith(".json")).length > 1) return [];
    const state = stateSchema.safeParse(JSON.parse(readFileSync(file, "utf8")));
    const pending = state.data?.checkpoint.latest.pending_operations ?? [];
    const forgotten = pending.filter(isRepeatable);
    if (!state.success || forgotten.length === 0) return [];
    const { latest } = state.data.checkpoint;
    latest.pending_operations = pending.filter((operation) => !isRepeatable(operation));
    if (latest.pending_operations.length === 0) delete latest.pending_operations;
    const temporary = `${file}.${process.pid}.tmp`;
    writeFileSync(temporary, JSON.stringify(state.data, null, 4), { mode: 0o600, flush: true });
    renameSync(temporary, file);
    return [...new Map(forgotten.map(({ type, resource: { urn } }) => [urn, { stack: basename(file, ".json"), urn, type }])).values()];
  } catch (error) {
    if (error instanceof SyntaxError) return [];
    throw error;
  } finally {
    rmSync(lockFile, { force: true });
  }
}

function isRepeatable({ resource }: z.infer<typeof operationSchema>): boolean {
  return repeatableTypes.test(resource.type);
}
