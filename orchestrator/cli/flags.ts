// Flags that every command has, and how commands print.
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

/** Runs the command as cutter when we are root. True: it ran there, and the exit code is set. */
export async function ranAsCutter(context: CutterContext): Promise<boolean> {
  const exitCode = await context.services.runAsCutter();
  if (exitCode === null) return false;
  context.process.exitCode = exitCode;
  return true;
}
