// The program's side of our provider: one function per kind declares a resource. All inputs are plain values, known at preview.
import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import type { HostAddress } from "../host/address.ts";

interface Target {
  readonly host: pulumi.Input<HostAddress>; // known once the host was looked at
  readonly adopt: boolean;
}

interface Access {
  readonly path: string;
  readonly mode: string; // four octal digits
  readonly owner: string;
  readonly group: string;
}

type FileArgs = Target & Access & { readonly content: string };
type Declare<Args> = (name: string, args: Args, options: pulumi.CustomResourceOptions) => pulumi.CustomResource;

/** A system group or user that is there already is refused unless adopted; both stay after a destroy. */
export const declareGroup: Declare<Target & { readonly name: string }> = toDeclare("Group");
export const declareUser: Declare<
  Target & {
    readonly name: string;
    readonly group: string;
    readonly home: string;
    readonly shell: string;
    readonly groups: readonly string[];
  }
> = toDeclare("User");
/** A changed path makes a new directory and removes the old one if it is empty. `keep`: never removed. */
export const declareDirectory: Declare<Target & Access & { readonly keep: boolean }> = toDeclare("Directory");
/** A changed path writes the new file, then removes the old one. Content stands in state: no secrets. */
export const declareFile: Declare<FileArgs> = toDeclare("File");
export const declareLink: Declare<Target & { readonly path: string; readonly target: string }> = toDeclare("Link");
export const declareKeyFile: Declare<
  FileArgs & { readonly fingerprint: string; readonly pinnedSha256: string; readonly purpose: "encrypt" | "sign" }
> = toDeclare("KeyFile");
export const declareUnit: Declare<
  FileArgs & { readonly name: string; readonly activation: "none" | "socket" | "service" | "tmpfiles" | "boot" }
> = toDeclare("Unit");
/** One line of a file that is not ours; nothing else of it is touched. */
export const declareEnvLine: Declare<Target & { readonly path: string; readonly name: "BACKUP_GPG_FPR"; readonly value: string }> =
  toDeclare("EnvLine");
/** A changed name uploads that release if it is absent and switches; the one before stays. Destroyed: all releases go. */
export const declareRelease: Declare<Target & { readonly name: string; readonly sha256: string }> = toDeclare("Release");

/** Nothing armed, nothing live, no live run unfinished: what is found otherwise is drift. */
export const declareExecutionOff: Declare<Target> = toDeclare("ExecutionOff");

/** Gaps and the state of the switch, measured at every preview and up once `after` is known. Reads only. */
export function surveyHost(host: HostAddress, psql: readonly string[], after: pulumi.Output<string>): pulumi.Output<HostSurvey> {
  return after.apply(async () => surveySchema.parse(await pulumi.runtime.invoke("cutterhost:index:surveyHost", { host, psql: [...psql] })));
}

/**
 * Connects, and says why if that fails; null: host key, login and identity are as pinned. Reads only.
 * `goOnWithout`: what the state says of a host that fails is then taken as it is, so that the others of its stack can be finished; a change there still fails.
 */
export async function readReachProblem(host: HostAddress, goOnWithout = false): Promise<string | null> {
  return reachSchema.parse(await pulumi.runtime.invoke("cutterhost:index:reachHost", { host, goOnWithout })).problem;
}

/** Tells the provider what the state of this stack has: whatever the ownership manifest of a host has lost, that was made by us. */
export async function noteRecorded(): Promise<void> {
  const { outputs } = recordedSchema.parse(
    await pulumi.runtime.invoke("pulumi:pulumi:readStackResourceOutputs", { stackName: pulumi.getStack() }),
  );
  const resources = Object.values(outputs).filter(({ type }) => type.startsWith("cutterhost:index:"));
  await pulumi.runtime.invoke("cutterhost:index:noteRecorded", { resources });
}

const recordedSchema = z.object({ outputs: z.record(z.string(), z.object({ type: z.string(), outputs: z.unknown() })) });

/**
 * Lets the provider look for what stands where `claims` are to be made and is not ours: it then refuses every change there, and in a preview warns of that.
 * `lines`: of a claimed line of an env file (`file#NAME`), the value it may have already.
 */
export async function preflightHost(host: HostAddress, claims: readonly string[], lines: ReadonlyMap<string, string>): Promise<void> {
  const urn = `urn:pulumi:${pulumi.getStack()}::${pulumi.getProject()}::any`;
  await pulumi.runtime.invoke("cutterhost:index:clearHost", {
    host,
    urn,
    claims: [...claims],
    lines: Object.fromEntries(lines),
    warn: pulumi.runtime.isDryRun(),
  });
}

const reachSchema = z.object({ problem: z.string().nullable() });

const surveySchema = z.object({
  gaps: z.array(
    z.object({
      id: z.string(),
      state: z.enum(["closed", "open"]),
      summary: z.string(),
      closedBy: z.string(),
      evidence: z.array(z.string()),
    }),
  ),
  executionEnabled: z.boolean(), // true while a run is armed or live
});

export type HostSurvey = z.infer<typeof surveySchema>;

function toDeclare<Args extends object>(kind: string): Declare<Args> {
  return (name, args, options) => new HostResource(`cutterhost:index:${kind}`, name, { ...args }, options);
}

class HostResource extends pulumi.CustomResource {}
