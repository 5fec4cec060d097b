// The people of the demonstration: fill the drafts as a signer would, and sign them with the sandbox's test keys. Real approvals are never
// signed by a program.
import { createHash, randomUUID } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";

/** What the architect wrote about this run, as it stands in the knowledge base. */
export interface ArchitectText {
  readonly kbId: string;
  readonly revision: number;
  readonly text: string;
}

/**
 * Fills a draft's placeholders in place: ids from the signer's random source, times from the signer's clock, and for a ruling the words.
 */
export function fillDraft(
  file: string,
  ruling: { readonly whyHarmless: string; readonly architect: ArchitectText; readonly starts: number } | null,
): void {
  const now = Date.now();
  const at = (hours: number): string => new Date(now + hours * 3_600_000).toISOString().replace(/\.\d+Z$/, "Z");
  let text = readFileSync(file, "utf8").replace("@REVIEW_DECISION_ID@", randomUUID()).replace("@ISSUED_AT@", at(0));
  if (ruling !== null) {
    text = text
      .replace("@EXPIRES_AT@", at(4))
      .replace("@WHY_HARMLESS@", ruling.whyHarmless)
      .replace("@ARCHITECT_TEXT_KB_ID@", ruling.architect.kbId)
      .replace('"@ARCHITECT_TEXT_REVISION@"', String(ruling.architect.revision))
      .replace("@ARCHITECT_TEXT_SHA256@", createHash("sha256").update(ruling.architect.text).digest("hex"))
      .replace('"starts": 1', `"starts": ${String(ruling.starts)}`);
  }
  writeFileSync(file, text);
}
