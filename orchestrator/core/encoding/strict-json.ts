// JSON that every reader takes the same way: no duplicate keys, no __proto__, no lone surrogates, no unsafe numbers, nothing after the end,
// bounded.
import type { Code } from "../codes/index.ts";
import { CutterError, type Facts } from "../errors.ts";

/** What JSON can say. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | { readonly [name: string]: JsonValue };

export interface JsonBounds {
  readonly code: Code; // thrown with `problem`, and `at` as a JSON pointer or `line` where they are known
  readonly reason?: string; // with it, where the code has several cases
  readonly charactersMax: number; // UTF-16 units
  readonly depthMax: number; // objects and arrays inside one another
}

/**
 * Parses `text` or refuses it. Pure, linear in its length, and never recursing deeper than `depthMax`.
 * @throws bounds.code with problem = too_long | too_deep | not_json | duplicate_key | forbidden_key | lone_surrogate | unsafe_number; never
 * with a value of the text.
 */
export function parseStrictJson(text: string, bounds: JsonBounds): JsonValue {
  const fail = (facts: Facts): CutterError =>
    new CutterError(bounds.code, { ...(bounds.reason === undefined ? {} : { reason: bounds.reason }), ...facts });
  if (text.length > bounds.charactersMax)
    throw fail({ problem: "too_long", characters: text.length, characters_max: bounds.charactersMax });
  const tokens = [...text.matchAll(token)];
  checkDepth(tokens, bounds.depthMax, fail);
  const value = parse(text, fail);
  checkKeys(tokens, text, fail);
  checkLeaves(value, "", fail);
  return value;
}

/** Strings whole, brackets and separators alone, anything else in one piece. Meaningful for texts that JSON.parse accepts. */
const token = /"(?:[^"\\]|\\[^])*"|[{}[\]:,]|[^\s{}[\]:,"]+/g;

type Fail = (facts: Facts) => CutterError;

/** Before anything recurses over the text. */
function checkDepth(tokens: readonly RegExpExecArray[], depthMax: number, fail: Fail): void {
  let depth = 0;
  for (const [word] of tokens) {
    if (word === "{" || word === "[") depth += 1;
    if (word === "}" || word === "]") depth -= 1;
    if (depth > depthMax) throw fail({ problem: "too_deep", depth_max: depthMax });
  }
}

function parse(text: string, fail: Fail): JsonValue {
  try {
    // Node's own parser is strict as to grammar: no comments, no trailing comma, no BOM, nothing behind the value.
    return JSON.parse(text) as JsonValue;
  } catch {
    throw fail({ problem: "not_json" });
  }
}

/** A later duplicate would win silently; two spellings of one key (`a`, `\u0061`) are one key. */
function checkKeys(tokens: readonly RegExpExecArray[], text: string, fail: Fail): void {
  const open: Set<string>[] = [];
  for (const [index, { 0: word, index: offset }] of tokens.entries()) {
    if (word === "{" || word === "[") open.push(new Set());
    if (word === "}" || word === "]") open.pop();
    if (tokens[index + 1]?.[0] !== ":" || !word.startsWith('"')) continue;
    const key = JSON.parse(word) as string;
    const line = text.slice(0, offset).split("\n").length;
    if (!key.isWellFormed()) throw fail({ problem: "lone_surrogate", line });
    if (key === "__proto__") throw fail({ problem: "forbidden_key", key, line });
    if (open.at(-1)?.has(key) === true) throw fail({ problem: "duplicate_key", key: key.slice(0, 80), line });
    open.at(-1)?.add(key);
  }
}

function checkLeaves(value: JsonValue, at: string, fail: Fail): void {
  if (typeof value === "string" && !value.isWellFormed()) throw fail({ problem: "lone_surrogate", at });
  if (typeof value === "number" && (!Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value))))
    throw fail({ problem: "unsafe_number", at });
  if (typeof value === "object" && value !== null)
    for (const [name, member] of Object.entries(value)) checkLeaves(member, `${at}/${name.slice(0, 40)}`, fail);
}
