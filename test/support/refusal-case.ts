// A row of a table names a refusal as `CODE` or, where the code has several cases, as `CODE name=value`: one string that a person can read.
import { CutterError, toCodeText } from "../../orchestrator/core/errors.ts";

/** What `toMatchObject` wants of an error or of an outcome for the row's name. */
export function toRefusal(name: string): { readonly code: string; readonly facts?: Readonly<Record<string, string>> } {
  const [, code = name, fact, value = ""] = /^(\S+) ([a-z_]+)=(\S+)$/.exec(name) ?? [];
  return fact === undefined ? { code } : { code, facts: { [fact]: value } };
}

/** The error as the row names it: with its case if the row says one. Anything but a refusal is given back as it is. */
export function toNamed(error: unknown, name: string): unknown {
  if (!(error instanceof CutterError)) return error;
  return name.includes(" ") ? toCodeText(error) : error.code;
}

/** The printed line of the refusal that the row names. */
export function toPattern(name: string): RegExp {
  return new RegExp(`${name.replace(" ", " .*")}(?= |$)`, "m");
}
