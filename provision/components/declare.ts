// The program's side of our provider: one function per kind declares a resource. resource-args.ts says what a change of an argument does.
import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import type { HostAddress } from "../host/address.ts";
import type { ResourceArgs, ResourceType } from "../resource-args.ts";

/** All are plain values, known at preview; the host is known once it was looked at. */
type Declared<Type extends ResourceType> = Omit<ResourceArgs<Type>, "host"> & { readonly host: pulumi.Input<HostAddress> };

/** Nothing armed, nothing live, no live run unfinished: what is found otherwise is drift. */
export const declareExecutionOff = toDeclare("ExecutionOff");
/** A system group or user that is there already is refused unless adopted; both stay after a destroy. */
export const declareGroup = toDeclare("Group");
export const declareUser = toDeclare("User");
export const declareDirectory = toDeclare("Directory");
export const declareFile = toDeclare("File");
export const declareLink = toDeclare("Link");
export const declareKeyFile = toDeclare("KeyFile");
export const declareUnit = toDeclare("Unit");
/** One line of a file that is not ours; nothing else of it is touched. */
export const declareEnvLine = toDeclare("EnvLine");
/** Destroyed: all releases go. */
export const declareRelease = toDeclare("Release");

/** Gaps and the state of the switch, measured at every preview and up once `after` is known. Reads only. */
export function surveyHost(host: HostAddress, psql: readonly string[], after: pulumi.Output<string>): pulumi.Output<HostSurvey> {
  return after.apply(async () => surveySchema.parse(await pulumi.runtime.invoke("cutterhost:index:surveyHost", { host, psql: [...psql] })));
}

/**
 * Connects, and says why if that fails; null: host key, login and identity are as pinned. Reads only.
 * `goOnWithout`: what the state says of a host that fails is then taken as it is, so that the others of its stack can be finished; a change
 * there still fails.
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
 * Lets the provider look for what stands where `claims` are to be made and is not ours: it then refuses every change there, and in a
 * preview warns of that. `lines`: of a claimed line of an env file (`file#NAME`), the value it may have already.
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
  gaps: z.array(z.object({ id: z.string(), state: z.enum(["closed", "open"]), summary: z.string() })), // its evidence is runbooks/survey's
  executionEnabled: z.boolean(), // true while a run is armed or live
});

export type HostSurvey = z.infer<typeof surveySchema>;

function toDeclare<Type extends ResourceType>(type: Type) {
  return (name: string, args: Declared<Type>, options: pulumi.CustomResourceOptions): pulumi.CustomResource =>
    new HostResource(`cutterhost:index:${type}`, name, { ...args }, options);
}

class HostResource extends pulumi.CustomResource {}
