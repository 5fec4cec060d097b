// The drafts of one run, on the operator's side: what the sovereign fills and signs. The host made them from its dry run; nothing in them
// is secret.
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { z } from "zod";
import { readApprovalBlock } from "../orchestrator/core/approval/block.ts";
import { CutterError } from "../orchestrator/core/errors.ts";
import type { ApprovalGate } from "../orchestrator/core/approval/schema.ts";
import type { RunId } from "../orchestrator/core/run-id.ts";
import { tryParseJson } from "../orchestrator/core/encoding/try-parse-json.ts";
import { findCheckout } from "../provision/checkout.ts";
import type { RemoteHost } from "../provision/host/connection.ts";
import { mustRunOnHost } from "./remote-step.ts";

const draftSchema = z.looseObject({
  schema: z.literal("cutter.approval-draft/1"),
  file_name: z.string().regex(/^[A-Za-z0-9._-]+$/),
  document: z.string(),
  commands: z.array(z.string()),
  would_refuse: z.array(z.string()),
});

export interface WrittenDraft {
  readonly gate: ApprovalGate;
  readonly file: string; // relative to the checkout
  readonly commands: readonly string[];
  readonly wouldRefuse: readonly string[];
  readonly kept: boolean; // a file of that name was there and was left as it is
  readonly stale: readonly string[]; // fields of a kept file that say something else than the host says now: it could not be used
}

/** approvals/<run_id>/ in the checkout; ignored by git. */
export function toDraftFolder(runId: RunId): string {
  return join(findCheckout(), "approvals", runId);
}

/**
 * Asks the host for each draft and writes it; what a signer has begun to fill is never overwritten.
 * @throws SIGN_NOTHING and the host's other refusals by their codes, HOST_COMMAND_FAILED
 */
export async function writeDrafts(host: RemoteHost, runId: RunId, gates: readonly ApprovalGate[]): Promise<readonly WrittenDraft[]> {
  const written: WrittenDraft[] = [];
  for (const gate of gates) written.push(await writeDraft(host, runId, gate));
  return written;
}

/**
 * One draft; `more`: further arguments of `cutter approval draft`. `fresh`: one that is signed already is set aside under another name, so
 * that this one can be signed in its place. @throws SIGN_NOTHING and the host's other refusals by their codes, HOST_COMMAND_FAILED,
 * HOST_OUTCOME_UNKNOWN
 */
export async function writeDraft(
  host: RemoteHost,
  runId: RunId,
  gate: ApprovalGate,
  { more = [], fresh = false }: { readonly more?: readonly string[]; readonly fresh?: boolean } = {},
): Promise<WrittenDraft> {
  const folder = toDraftFolder(runId);
  mkdirSync(folder, { recursive: true });
  const script = 'gate=$1; run=$2; shift 2; exec cutter approval draft --json --gate "$gate" --run-id "$run" "$@"';
  const draft = draftSchema.parse(
    JSON.parse(await mustRunOnHost(host, `draft ${gate}`, script, [gate, runId, ...more], { deadlineMs: 60_000 })),
  );
  const file = join(folder, draft.file_name);
  if (fresh) setAside(file);
  const kept = existsSync(file);
  if (!kept) writeFileSync(file, draft.document, { flag: "wx" });
  return {
    gate,
    file: relative(findCheckout(), file),
    commands: draft.commands,
    wouldRefuse: draft.would_refuse,
    kept,
    stale: kept ? toStaleFields(readFileSync(file), draft.document) : [],
  };
}

/** The document and its signatures, under the next number that is free. An unsigned one stays: somebody may be filling it. */
function setAside(file: string): void {
  const names = ["", ".asc", ".sovereign.asc", ".architect.asc"].filter((ending) => existsSync(`${file}${ending}`));
  if (names.length < 2) return;
  let number = 1;
  while (existsSync(`${file}.${String(number)}`)) number += 1;
  for (const ending of names) renameSync(`${file}${ending}`, `${file}.${String(number)}${ending}`);
}

/** Why a draft that was there already is not to be signed, and what to do instead; none where each says what the host says. Pure. */
export function toStaleLines(drafts: readonly WrittenDraft[]): readonly string[] {
  const stale = drafts.filter(({ stale: fields }) => fields.length > 0);
  if (stale.length === 0) return [];
  return [
    ...stale.map(
      ({ gate, file, stale: fields }) =>
        `[ERR]  sign nothing: ${file} was there already, and its ${fields.join(", ")} is not what the host says of ${gate} now`,
    ),
    "[INFO] instead: remove it and have it drafted afresh (a signature of it is void either way):",
    `    rm ${stale.map(({ file }) => file).join(" ")}`,
  ];
}

/** Fields that differ. What only the signer fills stands in the draft as a placeholder, and is not compared. Pure. */
export function toStaleFields(kept: Uint8Array, fresh: string): readonly string[] {
  const before = new Map(Object.entries(toBlock(kept)));
  return Object.entries(toBlock(new TextEncoder().encode(fresh)))
    .filter(([name, value]) => typeof value === "string" && !value.startsWith("@") && before.get(name) !== value)
    .map(([name]) => name);
}

/** Empty where the document has no block that can be read. */
function toBlock(document: Uint8Array): object {
  try {
    const block = tryParseJson(readApprovalBlock(document));
    return typeof block === "object" && block !== null ? block : {};
  } catch (error) {
    if (error instanceof CutterError) return {};
    throw error;
  }
}
