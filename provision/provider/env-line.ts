// One line of ours in an env file of somebody else: where it is, and the edit that leaves every other byte alone. Pure.
import { parseEnvFile } from "../../orchestrator/core/env-file.ts";
import type { EnvName } from "../../orchestrator/core/secret-names.ts";

/** Replace `removeBytes` bytes at `offset` by `insert`. */
export interface ByteEdit {
  readonly offset: number;
  readonly removeBytes: number;
  readonly insert: string;
}

/** @returns the line's value, or null if there is none. @throws ENV_LINE_AMBIGUOUS, ENV_NAME_DOUBLED */
export function findEnvValue(content: Uint8Array, file: string, name: EnvName): string | null {
  return parseEnvFile(content, file).get(name)?.reveal() ?? null;
}

/**
 * The edit that makes `name` have `value`; null removes the line. A new line goes to the end, in the file's own manner: after a last line without
 * newline it brings its newline before itself, so that removing it gives the very bytes from before.
 */
export function toEnvLineEdit(content: Uint8Array, file: string, name: EnvName, value: string | null): ByteEdit | null {
  const current = findEnvValue(content, file, name);
  if (current === value) return null;
  const bytes = Buffer.from(content);
  if (current === null) {
    const endsOpen = bytes.length > 0 && bytes.at(-1) !== 0x0a;
    return { offset: bytes.length, removeBytes: 0, insert: endsOpen ? `\n${name}=${value}` : `${name}=${value}\n` };
  }
  const start = findLineStart(bytes, name);
  const newline = bytes.indexOf(0x0a, start);
  const end = newline === -1 ? bytes.length : newline;
  if (value !== null) return { offset: start, removeBytes: end - start, insert: `${name}=${value}` };
  if (newline !== -1) return { offset: start, removeBytes: end + 1 - start, insert: "" };
  const from = start > 0 ? start - 1 : 0;
  return { offset: from, removeBytes: bytes.length - from, insert: "" };
}

/** The lint has passed: the line begins with the plain name, exactly once. */
function findLineStart(bytes: Buffer, name: EnvName): number {
  const start = bytes.subarray(0, name.length + 1).toString("latin1") === `${name}=` ? 0 : bytes.indexOf(`\n${name}=`) + 1;
  if (start === 0 && !bytes.toString("latin1").startsWith(`${name}=`)) throw new TypeError(`no line of ${name}`);
  return start;
}
