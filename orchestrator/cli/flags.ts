// Flags that every command has, and how commands print.
import { resolve } from "node:path";
import { CutterError } from "../core/errors.ts";
import type { CutterContext } from "./context.ts";

export const commonFlags = {
  json: { kind: "boolean", brief: "Print one JSON object instead of text", default: false, withNegated: false },
  verbose: { kind: "boolean", brief: "Print the stack of an error", default: false, withNegated: false },
} as const;

export interface CommonFlags {
  readonly json: boolean;
  readonly verbose: boolean;
}

/** Takes any word as it is: what it means is judged by its own parser. */
export const parseString = (text: string): string => text;

/** One object with --json, the text otherwise. */
export function print(context: CutterContext, flags: CommonFlags, value: object, text: readonly string[]): void {
  context.process.stdout.write(flags.json ? `${JSON.stringify(value)}\n` : text.map((line) => `${line}\n`).join(""));
}

/** It names no secret; whoever may read the folder may read the page. */
const pageFileMode = 0o644;

/**
 * Writes a page where --html says, `-` meaning stdout; `said` is what the person is told of a file.
 * @throws USAGE_INVALID when no file can be there
 */
export async function writePage(context: CutterContext, file: string, page: string, said: string): Promise<void> {
  if (file === "-") {
    context.process.stdout.write(page);
    return;
  }
  await context.services.files.writeAtomic(resolve(file), page, pageFileMode).catch((cause: unknown) => {
    if (cause instanceof CutterError || !(cause instanceof Error && "code" in cause)) throw cause;
    throw new CutterError("USAGE_INVALID", { option: "--html", file, problem: String(cause.code) }, { cause });
  });
  context.process.stdout.write(`${said} written to ${file}\n`);
}

/** Runs the command as cutter when we are root. True: it ran there, and the exit code is set. */
export async function ranAsCutter(context: CutterContext): Promise<boolean> {
  const exitCode = await context.services.runAsCutter();
  if (exitCode === null) return false;
  context.process.exitCode = exitCode;
  return true;
}
