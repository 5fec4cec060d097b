// Env files, read strictly: dotenv, systemd and docker compose read the same line differently, so only lines on which all agree count.
import { parse } from "dotenv";
import { CutterError } from "../errors.ts";
import { envNames, type EnvName } from "./secret-names.ts";
import { Secret } from "./secret.ts";

/**
 * The values of our keys in one env file. Lines of others are not judged, only skipped. Pure.
 * Accepted: `KEY='…'` without quote, backslash or control character inside, or `KEY=` and characters that mean themselves to every reader.
 * @throws ENV_LINE_AMBIGUOUS, ENV_NAME_DOUBLED with file, line and name; never with a value.
 */
export function parseEnvFile(content: Uint8Array, file: string): ReadonlyMap<EnvName, Secret> {
  const text = Buffer.from(content).toString("utf8");
  const parsedByDotenv = parse(Buffer.from(content));
  const found = new Map<EnvName, Secret>();
  for (const line of toOurLines(text)) {
    const refuse = (problem: string): CutterError =>
      new CutterError("ENV_LINE_AMBIGUOUS", { file, line: line.number, name: line.name, problem });
    if (line.openedOnLine !== null) throw refuse(`inside a value that line ${line.openedOnLine} opens`);
    if (found.has(line.name)) throw new CutterError("ENV_NAME_DOUBLED", { file, line: line.number, name: line.name });
    const value = toPlainValue(line.text, line.name);
    if (value === null) throw refuse("write it as NAME='value', without quote or backslash inside");
    if (parsedByDotenv[line.name] !== value) throw refuse("another reader would see another value");
    found.set(line.name, new Secret(value));
  }
  return found;
}

interface OurLine {
  readonly number: number; // 1-based
  readonly name: EnvName;
  readonly text: string;
  /** The line whose quoted value is still open here, by somebody's reading. */
  readonly openedOnLine: number | null;
}

/** Lines that any reader could take for one of our keys. */
function toOurLines(text: string): readonly OurLine[] {
  const ours: OurLine[] = [];
  let open: { readonly quote: string; readonly line: number } | null = null;
  for (const [index, line] of text.split("\n").entries()) {
    const name = toOurName(line);
    if (name !== null) ours.push({ number: index + 1, name, text: line, openedOnLine: open?.line ?? null });
    if (open === null) {
      const quote = toOpenedQuote(line);
      if (quote !== null) open = { quote, line: index + 1 };
    } else if (hasClosing(line, open.quote)) {
      open = null;
    }
  }
  return ours;
}

function toOurName(line: string): EnvName | null {
  const name = /^[\s\uFEFF]*(?:export\s+)?["']?([A-Za-z_][A-Za-z0-9_.-]*)["']?\s*[=:]/.exec(line)?.[1];
  return envNames.find((entry) => entry.name === name)?.name ?? null;
}

/** The quote that a line's value opens and does not close. */
function toOpenedQuote(line: string): string | null {
  if (/^\s*#/.test(line)) return null;
  const value = /^[^=]*=\s*(.*)$/s.exec(line)?.[1] ?? "";
  const quote = value.charAt(0);
  return quote !== "" && "'\"`".includes(quote) && !hasClosing(value.slice(1), quote) ? quote : null;
}

function hasClosing(text: string, quote: string): boolean {
  return (quote === '"' ? text.replaceAll(/\\./g, "") : text).includes(quote);
}

function toPlainValue(line: string, name: string): string | null {
  if (!line.startsWith(`${name}=`)) return null;
  const value = line.slice(name.length + 1);
  const quoted = /^'([^'\\\p{Cc}]*)'$/u.exec(value);
  if (quoted !== null) return quoted[1] ?? "";
  return /^[A-Za-z0-9_./:@%+,=?&-]*$/.test(value) ? value : null;
}
