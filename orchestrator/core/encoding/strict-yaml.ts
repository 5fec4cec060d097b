// YAML as data and nothing more: one document, no duplicates, no aliases, no tags, no unknown keys.
import { isAlias, isPair, isScalar, LineCounter, parseDocument, visit } from "yaml";
import type { z } from "zod";
import type { Code } from "../codes/index.ts";
import { CutterError } from "../errors.ts";

const maximumCharacters = 256 * 1024;

/**
 * Parses `text` strictly and judges it with `schema`. Pure.
 * @throws `what.code` with the file, the key or line, and the problem; never with a value from the file.
 */
export function parseStrictYaml<Output>(
  text: string,
  schema: z.ZodType<Output>,
  what: { readonly code: Code; readonly file: string },
): Output {
  const fail = (facts: Readonly<Record<string, string | number>>): CutterError => new CutterError(what.code, { file: what.file, ...facts });
  if (text.length > maximumCharacters) throw fail({ problem: "too long", maximum_characters: maximumCharacters });
  const lines = new LineCounter();
  const document = parseDocument(text, {
    version: "1.2",
    schema: "core",
    strict: true,
    uniqueKeys: true,
    stringKeys: true,
    merge: false,
    lineCounter: lines,
  });
  const first = document.errors[0] ?? document.warnings[0];
  if (first !== undefined) throw fail({ line: lines.linePos(first.pos[0]).line, problem: first.code });
  visit(document, (_key, node) => {
    if (isAlias(node)) throw fail({ problem: "aliases are not allowed" });
    if (isPair(node) || typeof node !== "object" || node === null) return;
    if ("anchor" in node && typeof node.anchor === "string") throw fail({ problem: "anchors are not allowed" });
    if (isScalar(node) && node.tag !== undefined) throw fail({ problem: "tags are not allowed" });
  });
  const parsed = schema.safeParse(document.toJS({ maxAliasCount: 0 }));
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const key =
    issue === undefined ? "" : [...issue.path, ...(issue.code === "unrecognized_keys" ? [issue.keys.join(",")] : [])].map(String).join(".");
  throw fail({ key: key === "" ? "(top)" : key, problem: toProblem(issue) });
}

/** zod's messages may quote a received value; only the parts that speak of the schema are kept. */
function toProblem(issue: z.core.$ZodIssue | undefined): string {
  switch (issue?.code) {
    case undefined:
      return "does not fit";
    case "unrecognized_keys":
      return "unknown key";
    case "invalid_type":
      return `must be ${issue.expected}`;
    case "invalid_value":
      return `must be one of ${issue.values.map(String).join(", ")}`;
    case "too_small":
      return `must be at least ${String(issue.minimum)}`;
    case "too_big":
      return `must be at most ${String(issue.maximum)}`;
    default:
      return issue?.message ?? "does not fit";
  }
}
