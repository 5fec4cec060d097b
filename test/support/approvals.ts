// A signer of the sandbox, as a person is one: fills the drafts that prepare wrote, and signs them with the sandbox's own test keys.
import { randomUUID } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { sha256Hex } from "../../orchestrator/core/encoding/digest.ts";
import { signFile } from "../../provision/sandbox/host/keys.ts";
import { toSandboxPaths } from "../../provision/sandbox/base/paths.ts";
import { seconds } from "./arm-token.ts";
import { checkout, npm } from "./e2e.ts";

export type DraftedGate = "SG_1" | "SG_2" | "SG_3" | "RULING" | "REVERT";

/** The draft of a gate in the checkout's approvals/<run_id>/. */
const toDraftFile = (runId: string, gate: DraftedGate): string => join(checkout, "approvals", runId, `${runId}.${gate}.md`);

/** Fills what only the signer may say. `fields` replace fields of the block, for what a test wants different. Gives the file. */
export async function fillAndSign(runId: string, gate: DraftedGate, fields: object = {}): Promise<string> {
  const file = toDraftFile(runId, gate);
  const text = readFileSync(file, "utf8");
  const [, json = "{}"] = /```cutter-approval\n([^]*?)\n```/.exec(text) ?? [];
  const drafted = JSON.parse(json) as object;
  const now = new Date();
  const ruling = {
    why_harmless: "A note that nothing depends on.",
    ...(gate === "RULING" ? { architect_text: await writeArchitectText(runId) } : {}),
    expires_at: seconds(new Date(now.getTime() + 86_400_000)),
  };
  const filled = { ...drafted, review_decision_id: randomUUID(), issued_at: seconds(now), ...(gate === "RULING" ? ruling : {}), ...fields };
  writeFileSync(file, text.replace(json, JSON.stringify(filled, null, 2)));
  const { keysDirectory } = toSandboxPaths(checkout);
  await signFile(file, "sovereign", keysDirectory);
  if (gate === "RULING") await signFile(file, "architect", keysDirectory);
  return file;
}

/** The text a ruling refers to, as it stands in the sandbox's knowledge base. */
async function writeArchitectText(runId: string): Promise<object> {
  const kbId = `knowledge/current-state/reports/ruling-${runId.toLowerCase()}.md`;
  const text = `# Ruling on ${runId}\n\nNothing depends on the document.\n`;
  const file = join(checkout, "approvals", runId, "ruling-text.md");
  writeFileSync(file, text);
  const added = await npm("sandbox", "document", "add", file, "--id", kbId);
  const revision = /revision (\d+)/.exec(added.output)?.[1];
  if (added.code !== 0 || revision === undefined) throw new Error(added.output);
  return { kb_id: kbId, revision: Number(revision), sha256: sha256Hex(text) };
}
