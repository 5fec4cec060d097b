// What a request must look like; everything else is a 422 that names the place and echoes what stood there, as production's framework does.
import { z } from "zod";
import type { ValidationDetail } from "./answers.ts";

/** An issue that carries the framework's own name for what is wrong. */
const refuse = (context: z.RefinementCtx, type: string, msg: string, withContext = false): void =>
  context.addIssue({ code: "custom", params: { type, withContext }, message: msg });

const mimeType = z.string().regex(/^(text\/markdown|text\/plain|application\/json)$/);
const content = z.strictObject({ mime_type: mimeType, body: z.string() });
const metadata = z.looseObject({
  title: z.string(),
  tags: z.array(z.string()).nullish(),
  source: z.string().nullish(),
});
const moment = z.unknown().superRefine((value, context) => {
  if (value !== undefined && value !== null && (typeof value !== "string" || Number.isNaN(Date.parse(value))))
    refuse(context, "datetime_from_date_parsing", "Input should be a valid datetime or date", true);
});
/** Numbers without a fraction and texts of digits count; null is no revision. */
const knownRevision = z
  .unknown()
  .superRefine((value, context) => {
    if (value === undefined || value === null || Number.isInteger(value)) return;
    if (typeof value === "number")
      return refuse(context, "int_from_float", "Input should be a valid integer, got a number with a fraction");
    if (typeof value !== "string") return refuse(context, "int_type", "Input should be a valid integer");
    if (!/^\s*[+-]?\d+\s*$/.test(value)) refuse(context, "int_parsing", "Input should be a valid integer, unable to parse string");
  })
  .transform((value) => (value === undefined || value === null ? null : Number(value)));

/** POST: `content` forbids extra fields; the rest of the request does not. */
export const newDocumentSchema = z.object({
  document_id: z.string(),
  parent_id: z.string(),
  content,
  metadata,
  created_at: moment.optional(),
});

/** PUT is a patch: what is replaced stands in `patch`, and `update_mask` names it. */
export const changeSchema = z.object({
  document_id: z.string(),
  patch: z.object({ content: content.nullish(), metadata: metadata.nullish() }),
  update_mask: z.array(z.string()),
  last_known_revision: knownRevision.optional().default(null),
});

export const replaceTextSchema = z.object({ old_str: z.string(), new_str: z.string() });
export const moveSchema = z.object({ new_parent_id: z.string() });
export const batchSchema = z.object({ paths: z.array(z.string()), full: z.boolean().default(false) });

export type Parsed<Value> =
  { readonly ok: true; readonly value: Value } | { readonly ok: false; readonly detail: readonly ValidationDetail[] };

/** Bytes as the framework reads them: no body is undefined; a byte order mark is skipped; NaN and Infinity are numbers. */
export type Body =
  { readonly kind: "json"; readonly value: unknown } | { readonly kind: "not UTF-8" } | ({ readonly kind: "no JSON" } & Refused);
interface Refused {
  readonly detail: readonly ValidationDetail[];
}

/** A body under another type than JSON is taken as one text. */
export function readJson(bytes: Buffer, contentType: string): Body {
  if (bytes.length === 0) return { kind: "json", value: undefined };
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return { kind: "not UTF-8" };
  }
  if (!/^application\/([a-z.-]+\+)?json\s*(;|$)/i.test(contentType)) return { kind: "json", value: text };
  try {
    return { kind: "json", value: parseAsTheFramework(text) };
  } catch (error) {
    const place = Number(/position (\d+)/.exec(error instanceof Error ? error.message : "")?.[1] ?? text.length);
    const detail = { type: "json_invalid", loc: ["body", place], msg: "JSON decode error", input: {}, ctx: { error: "not JSON" } };
    return { kind: "no JSON", detail: [detail] };
  }
}

/** The framework's parser takes NaN and Infinity; here both become a number that is not finite, which no database stores. */
function parseAsTheFramework(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!/NaN|Infinity/.test(text)) throw error;
    return JSON.parse(text.replace(/"(?:[^"\\]|\\.)*"|-?\b(?:NaN|Infinity)\b/gs, (token) => (token.startsWith('"') ? token : "1e999")));
  }
}

/** A checked value, or the places that are wrong. A body that is null counts as none. */
export function parseRequest<Value>(schema: z.ZodType<Value>, json: unknown): Parsed<Value> {
  if (json === undefined || json === null) return refusedAt([{ type: "missing", loc: ["body"], msg: "Field required", input: null }]);
  const result = schema.safeParse(json, { reportInput: true });
  return result.success ? { ok: true, value: result.data } : refusedAt(result.error.issues.flatMap((issue) => toDetails(issue, json)));
}

const refusedAt = (detail: readonly ValidationDetail[]) => ({ ok: false, detail }) as const;

function toDetails(issue: z.core.$ZodIssue, json: unknown): readonly ValidationDetail[] {
  const path = issue.path.map((part) => (typeof part === "symbol" ? String(part) : part));
  const loc = ["body", ...path];
  const input = toPlace(json, path);
  const at = (type: string, msg: string, ctx = false): readonly ValidationDetail[] => [
    { type, loc, msg, input, ...(ctx ? { ctx: { error: msg } } : {}) },
  ];
  if (issue.code === "unrecognized_keys")
    return issue.keys.map((key) => ({
      type: "extra_forbidden",
      loc: [...loc, key],
      msg: "Extra inputs are not permitted",
      input: toPlace(json, [...path, key]),
    }));
  if (issue.code === "custom") return at(String(issue.params?.["type"]), issue.message, issue.params?.["withContext"] === true);
  if (issue.code === "invalid_format") return at("string_pattern_mismatch", "String should match pattern", true);
  if (issue.code === "invalid_type" && input === undefined)
    return [{ type: "missing", loc, msg: "Field required", input: toPlace(json, path.slice(0, -1)) }];
  const expected = issue.code === "invalid_type" ? issue.expected : "";
  const types: Readonly<Record<string, string>> = {
    array: "list_type",
    string: "string_type",
    object: "model_attributes_type",
    boolean: "bool_type",
  };
  return at(types[expected] ?? "value_error", issue.message);
}

function toPlace(json: unknown, path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>(
    (value, part) =>
      typeof value === "object" && value !== null ? (value as Readonly<Record<string | number, unknown>>)[part] : undefined,
    json,
  );
}

const truths: readonly string[] = ["true", "1", "yes", "on", "t", "y"];
const lies: readonly string[] = ["false", "0", "no", "off", "f", "n"];

/** A switch in the query, in any case of its letters; absent is false. */
export function parseSwitch(query: URLSearchParams, name: string): Parsed<boolean> {
  const text = query.get(name);
  if (text === null) return { ok: true, value: false };
  const word = text.toLowerCase();
  if (truths.includes(word) || lies.includes(word)) return { ok: true, value: truths.includes(word) };
  return refusedAt([{ type: "bool_parsing", loc: ["query", name], msg: "Input should be a valid boolean", input: text }]);
}
