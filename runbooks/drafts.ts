// The drafts of one run, on the operator's side: what the sovereign fills and signs. The host made them from its dry run; nothing in them
// is secret.
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { z } from "zod";
import { CutterError } from "../orchestrator/core/errors.ts";
import type { ApprovalGate } from "../orchestrator/core/approval/schema.ts";
import type { RunId } from "../orchestrator/core/run-id.ts";
import { findCheckout } from "../provision/checkout.ts";
import type { RemoteHost } from "../provision/host/connection.ts";

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
}

/** approvals/<run_id>/ in the checkout; ignored by git. */
export function toDraftFolder(runId: RunId): string {
  return join(findCheckout(), "approvals", runId);
}

/**
 * Asks the host for each draft and writes it; what a signer has begun to fill is never overwritten.
 * @throws HOST_COMMAND_FAILED with the host's own refusal
 */
export async function writeDrafts(host: RemoteHost, runId: RunId, gates: readonly ApprovalGate[]): Promise<readonly WrittenDraft[]> {
  const folder = toDraftFolder(runId);
  mkdirSync(folder, { recursive: true });
  const written: WrittenDraft[] = [];
  for (const gate of gates) {
    const { code, stdout, stderr } = await host.run('cutter approval draft --json --gate "$1" --run-id "$2"', [gate, runId], {
      timeoutMs: 60_000,
    });
    if (code !== 0)
      throw new CutterError("HOST_COMMAND_FAILED", {
        host: host.address.name,
        step: `draft ${gate}`,
        exit_code: code ?? "unknown",
        stderr: stderr.trim().slice(0, 500),
      });
    const draft = draftSchema.parse(JSON.parse(stdout));
    const file = join(folder, draft.file_name);
    const kept = existsSync(file);
    if (!kept) writeFileSync(file, draft.document, { flag: "wx" });
    written.push({ gate, file: relative(findCheckout(), file), commands: draft.commands, wouldRefuse: draft.would_refuse, kept });
  }
  return written;
}
