// What a drifted file may show: state and terminal get its text, so values that look like secrets are cut out first.

const secretAssignment = /((?:pass(?:word|wd|phrase)?|secret|token|api[_-]?key|private[_-]?key|credential|dsn)[A-Za-z0-9_.-]*["']?\s*[:=]\s*)(?!\s*$).+$/i;
const urlPassword = /([a-z][a-z0-9+.-]*:\/\/[^\s:/@]*:)[^\s@]+@/gi;
const longRandom = /[A-Za-z0-9+/_-]{33,}={0,2}/g;

/**
 * `actual` in a form fit for state: lines that the wanted text has too stay as they are, in every other line values that look like secrets are replaced.
 * Text that is not UTF-8, or that is absent because the file is too large, is only described.
 */
export function toShownContent(actual: Buffer | null, sizeBytes: number, wanted: string): string {
  if (actual === null) return `(${sizeBytes} bytes, too large to show)\n`;
  const text = actual.toString("utf8");
  if (!Buffer.from(text, "utf8").equals(actual) || text.includes("\0")) return `(${sizeBytes} bytes that are not text)\n`;
  const known = new Set(wanted.split("\n"));
  return text.split("\n").map((line) => (known.has(line) ? line : toRedactedLine(line))).join("\n");
}

function toRedactedLine(line: string): string {
  return line.replace(secretAssignment, "$1[REDACTED]").replaceAll(urlPassword, "$1[REDACTED]@").replaceAll(longRandom, "[REDACTED]");
}
