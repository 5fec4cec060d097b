// What a request body must look like; everything else is a 422 that names the place.
import { z } from "zod";
import type { ValidationDetail } from "./answers.ts";
import { tryParseJson } from "../../../orchestrator/core/encoding/try-parse-json.ts";

const mimeType = z.enum(["text/markdown", "text/plain", "application/json"]);
const content = z.strictObject({ mime_type: mimeType, body: z.string() });
const metadata = z.looseObject({ title: z.string().min(1), tags: z.array(z.string()).optional(), source: z.string().optional() });

/** POST: `content` forbids extra fields; the rest of the request does not. */
export const newDocumentSchema = z.object({ document_id: z.string().min(1), parent_id: z.string().min(1), content, metadata });

/** PUT: what is absent stays as it is. */
export const changeSchema = z.object({
  parent_id: z.string().min(1).optional(),
  content: content.optional(),
  metadata: metadata.partial().optional(),
  last_known_revision: z.int().optional(),
});

export type Parsed<Value> =
  { readonly ok: true; readonly value: Value } | { readonly ok: false; readonly detail: readonly ValidationDetail[] };

/** Bytes to a checked value. U+0000 and lone surrogates are refused: PostgreSQL cannot keep them. */
export function parseRequest<Value>(schema: z.ZodType<Value>, bytes: Buffer): Parsed<Value> {
  const json = tryParseJson(bytes);
  if (json === undefined) return { ok: false, detail: [{ type: "json_invalid", loc: ["body", 0], msg: "JSON decode error" }] };
  const place = findUnstorable(json, ["body"]);
  if (place !== null)
    return { ok: false, detail: [{ type: "value_error", loc: place, msg: "Value error, text holds U+0000 or a lone surrogate" }] };
  const result = schema.safeParse(json);
  return result.success ? { ok: true, value: result.data } : { ok: false, detail: result.error.issues.flatMap(toDetails) };
}

function toDetails(issue: z.core.$ZodIssue): readonly ValidationDetail[] {
  const loc = ["body", ...issue.path.map((part) => (typeof part === "symbol" ? String(part) : part))];
  if (issue.code === "unrecognized_keys")
    return issue.keys.map((key) => ({ type: "extra_forbidden", loc: [...loc, key], msg: "Extra inputs are not permitted" }));
  const missing = issue.code === "invalid_type" && issue.message.endsWith("received undefined");
  return [{ type: missing ? "missing" : "value_error", loc, msg: missing ? "Field required" : issue.message }];
}

function findUnstorable(value: unknown, place: readonly (string | number)[]): readonly (string | number)[] | null {
  if (typeof value === "string") return value.includes("\0") || !value.isWellFormed() ? place : null;
  if (typeof value !== "object" || value === null) return null;
  for (const [key, part] of Object.entries(value)) {
    const found = findUnstorable(key, [...place, "key"]) ?? findUnstorable(part, [...place, key]);
    if (found !== null) return found;
  }
  return null;
}
