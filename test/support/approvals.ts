// A signer of the sandbox, as a person is one: fills the drafts that prepare wrote, and signs them with the sandbox's own test keys.
import { randomUUID } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { sha256Hex } from "../../orchestrator/core/digest.ts";
import { signFile } from "../../provision/sandbox/keys.ts";
import { toSandboxPlace } from "../../provision/sandbox/checkout.ts";
import { seconds } from "./arm-token.ts";
import { checkout } from "./e2e.ts";

export type DraftedGate = "SG_1" | "SG_2" | "SG_3" | "RULING" | "REVERT";

/** The draft of a gate in the checkout's approvals/<run_id>/. */
export const toDraftFile = (runId: string, gate: DraftedGate): string => join(checkout, "approvals", runId, `${runId}.${gate}.md`);

/** Fills what only the signer may say. `fields` replace fields of the block, for what a test wants different. Gives the file. */
export async function fillAndSign(runId: string, gate: DraftedGate, fields: object = {}): Promise<string> {
  const file = toDraftFile(runId, gate);
  const text = readFileSync(file, "utf8");
  const [, json = "{}"] = /```cutter-approval\n([^]*?)\n```/.exec(text) ?? [];
  const drafted = JSON.parse(json) as object;
  const now = new Date();
  const ruling = { why_harmless: "A note that nothing depends on.", architect_text: { kb_id: "knowledge/rulings/test.md", revision: 1, sha256: sha256Hex("the ruling's text") }, expires_at: seconds(new Date(now.getTime() + 86_400_000)) };
  const filled = { ...drafted, review_decision_id: randomUUID(), issued_at: seconds(now), ...(gate === "RULING" ? ruling : {}), ...fields };
  writeFileSync(file, text.replace(json, JSON.stringify(filled, null, 2)));
  const { keysDirectory } = toSandboxPlace(checkout);
  await signFile(file, "sovereign", keysDirectory);
  if (gate === "RULING") await signFile(file, "architect", keysDirectory);
  return file;
}
