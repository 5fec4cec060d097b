// A file with its content, mode and owner. Content is text without secrets: it stands in state.
import { z } from "zod";
import { sha256Hex } from "../../../orchestrator/core/encoding/digest.ts";
import type { RemoteHost } from "../../host/connection.ts";
import { readPathFacts } from "../../host/path-facts.ts";
import { accountField, baseFields, modeField, observed, pathField } from "../kind/fields.ts";
import { defineKind, type BaseInputs, type Reading } from "../kind/define.ts";
import { toShownContent } from "./support/redact.ts";
import { toWriteFile } from "./support/write-file.ts";

export const fileFields = {
  ...baseFields,
  path: pathField,
  mode: modeField.or(observed),
  owner: accountField.or(observed),
  group: accountField.or(observed),
  content: z.string(),
  sha256: z.string().default(""), // made from content by the provider; a reading has the host's
};

export interface FileInputs extends BaseInputs {
  readonly path: string;
  readonly mode: string;
  readonly owner: string;
  readonly group: string;
  readonly content: string;
  readonly sha256: string;
}

export const fileKind = defineKind<FileInputs>({
  type: "File",
  schema: z.strictObject(fileFields),
  complete: withDigest,
  replaceOn: ["path"],
  compared: ["path", "mode", "owner", "group", "content", "sha256"],
  claimOf: ({ path }) => path,
  foreignCode: "FOREIGN_FILE",
  read: readFileInputs,
  write: async ({ runJob }, inputs) => await runJob(toWriteFile(inputs, Buffer.from(inputs.content, "utf8"))),
  remove: ({ path }) => ({ script: 'rm -f -- "$1"; sync -- "$(dirname -- "$1")"', args: [path] }),
});

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
