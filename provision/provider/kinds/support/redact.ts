// What a drifted file may show: state and terminal get its text, so every word in it that the wanted text does not have is cut out.

/** A word ends where a value could begin or end. */
const wordPattern = /[^\s=:,;"'`()[\]{}<>|&]+/g;
/** Shown although the wanted text lacks them: numbers too short for a secret, with or without a unit, and booleans. */
const harmless = /^(?:\d{1,5}(?:ms|s|min|h|d)?|true|false|yes|no|on|off|null|none)$/;
/** The name before a value: letters only, so that no encoded bytes pass for one. */
const assignment = /^(\s*(?:- )?["']?)([A-Za-z]{2,20}(?:[_-][A-Za-z]{2,20}){0,5})(?=["']?(?:: |\s?=\s?[^=\s]))/;

/**
 * `actual` in a form fit for state: a word that the wanted text has too stays, and so do short numbers, booleans and the name a line
 * assigns to; every other word is replaced, because what a secret looks like cannot be told. Text that is not UTF-8, or is too large, is
 * only described.
 */
export function toShownContent(actual: Buffer | null, sizeBytes: number, wanted: string): string {
  if (actual === null) return `(${sizeBytes} bytes, too large to show)\n`;
  const text = actual.toString("utf8");
  if (!Buffer.from(text, "utf8").equals(actual) || text.includes("\0")) return `(${sizeBytes} bytes that are not text)\n`;
  const lines = new Set(wanted.split("\n"));
  const words = new Set(wanted.match(wordPattern) ?? []);
  return text
    .split("\n")
    .map((line) => (lines.has(line) ? line : toRedactedLine(line, words)))
    .join("\n");
}

function toRedactedLine(line: string, known: ReadonlySet<string>): string {
  const head = assignment.exec(line)?.[0] ?? "";
  return (
    head + line.slice(head.length).replaceAll(wordPattern, (found) => (known.has(found) || harmless.test(found) ? found : "[REDACTED]"))
  );
}
