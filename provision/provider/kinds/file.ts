// A file with its content, mode and owner. Content is text without secrets: it stands in state.
import { z } from "zod";
import { sha256Hex } from "../../../orchestrator/core/encoding/digest.ts";
import type { RemoteHost } from "../../host/connection.ts";
import { readPathFacts } from "../../host/path-facts.ts";
import { resourceArgs } from "../../resource-args.ts";
import { defineKind, type Reading, type WriteContext } from "../kind/define.ts";
import { toShownContent } from "./support/redact.ts";
import { toWriteFile } from "./support/write-file.ts";

/** Made from the content by the provider; a reading has the host's. */
export const digestField = { sha256: z.string().default("") };
const schema = resourceArgs.File.extend(digestField);

export type FileInputs = z.infer<typeof schema>;

/** What every kind has whose thing is a plain file. */
export const plainFile = {
  claimOf: ({ path }: FileInputs) => path,
  foreignCode: "FOREIGN_FILE",
  read: readFileInputs,
  write: async ({ runJob }: WriteContext, inputs: FileInputs) => await runJob(toWriteFile(inputs, Buffer.from(inputs.content, "utf8"))),
  remove: ({ path }: FileInputs) => ({ script: 'rm -f -- "$1"; sync -- "$(dirname -- "$1")"', args: [path] }),
} as const;

export const fileKind = defineKind({ ...plainFile, type: "File", schema, complete: withDigest });

export function withDigest<Inputs extends { readonly content: string; readonly sha256: string }>(inputs: Inputs): Inputs {
  return { ...inputs, sha256: sha256Hex(inputs.content) };
}

/** The file on the host in the form of the inputs; what is not as wanted is shown redacted, and its digest tells in any case. */
export async function readFileInputs<Inputs extends FileInputs>(host: RemoteHost, inputs: Inputs): Promise<Reading<Inputs>> {
  const facts = await readPathFacts(host, inputs.path);
  if (facts.kind === "absent") return { state: "absent" };
  if (facts.kind !== "file") return { state: "obstructed", by: `a ${facts.kind}` };
  const wantedSha256 = sha256Hex(inputs.content);
  const content = facts.sha256 === wantedSha256 ? inputs.content : toShownContent(facts.content, facts.sizeBytes, inputs.content);
  return {
    state: "present",
    inputs: { ...inputs, content, sha256: facts.sha256, mode: facts.mode, owner: facts.owner, group: facts.group },
  };
}
