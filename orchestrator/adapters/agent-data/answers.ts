// Judges what the knowledge base answered. Nothing it says is printed: a server may echo the key or terminal escapes.
import { z } from "zod";
import { CutterError } from "../../core/errors.ts";
import { toCallName, type Call, type RawAnswer } from "./transport.ts";
import { tryParseJson } from "../../core/encoding/try-parse-json.ts";
import { isKbId } from "../../core/knowledge-base/id.ts";

const wellFormed = z.string().refine((text) => text.isWellFormed());
const revision = z.int().min(1);

export const writtenSchema = z.looseObject({ id: z.string(), status: z.enum(["created", "updated"]), revision });
export const storedSchema = z.looseObject({
  document_id: z.string(),
  content: wellFormed,
  metadata: z.looseObject({ title: wellFormed.catch("") }).nullish(), // older rows have none
  revision,
});
export const listSchema = z.looseObject({
  items: z.array(z.unknown()), // each judged by itself
  count: z.int().min(0),
});
const errorSchema = z.looseObject({ code: z.string() });

const rowSchema = z.looseObject({ document_id: z.unknown().optional(), title: z.unknown().optional(), revision: z.unknown().optional() });

/** A row of a listing as a document, or its id and why it is none that this program can use. */
export function toListedRow(
  told: unknown,
): { readonly id: string; readonly revision: number; readonly title: string } | { readonly id: string; readonly why: string } {
  const row = rowSchema.safeParse(told).data ?? {};
  const id = typeof row.document_id === "string" ? row.document_id : "";
  if (!isKbId(id)) return { id, why: id === "" ? "it has no id" : "its id is none that this program can name" };
  const parsed = revision.safeParse(row.revision);
  if (!parsed.success) return { id, why: `its revision is ${row.revision === undefined ? "missing" : "no number from 1 on"}` };
  const title = wellFormed.nullish().safeParse(row.title);
  return title.success ? { id, revision: parsed.data, title: title.data ?? "" } : { id, why: "its title is no text" };
}

/** The codes of the API that may be shown; any other is shown as `other`. */
const knownCodes: readonly string[] = [
  "UNAUTHORIZED",
  "FORBIDDEN",
  "NOT_FOUND",
  "CONFLICT",
  "INVALID_ARGUMENT",
  "INTERNAL",
  "INTERNAL_ERROR",
  "VALIDATION_ERROR",
  "BAD_REQUEST",
];

/**
 * The checked answer of a 200; null for a document that is missing or deleted.
 * @throws KB_UNAVAILABLE (5xx, 408, 429), KB_KEY_REFUSED, KB_ANSWER_INVALID, KB_REFUSED
 */
export function toAnswer<Value>(call: Call, raw: RawAnswer, schema: z.ZodType<Value>): Value | null {
  const facts = { call: toCallName(call), status: raw.status };
  if (raw.status >= 500 || raw.status === 408 || raw.status === 429)
    throw new CutterError("KB_UNAVAILABLE", { ...facts, reason: `answers ${String(raw.status)}` });
  if (raw.status === 401 || raw.status === 403) throw new CutterError("KB_KEY_REFUSED", { key: "AGENT_DATA_API_KEY", ...facts });
  if (raw.status >= 300 && raw.status < 400) throw new CutterError("KB_ANSWER_INVALID", { reason: "redirect", ...facts });
  const isJson = /^application\/json\s*(;|$)/i.test(raw.contentType) && raw.contentEncoding === "identity";
  const json = isJson ? tryParseJson(raw.bytes) : undefined;
  if (raw.status === 404) return toMissing(facts, json);
  if (raw.status >= 400) throw new CutterError("KB_REFUSED", { ...facts, code: toKnownCode(json) });
  if (raw.status !== 200) throw new CutterError("KB_ANSWER_INVALID", { ...facts, reason: "an unexpected status" });
  if (json === undefined) throw new CutterError("KB_ANSWER_INVALID", { ...facts, reason: "not JSON" });
  const parsed = schema.safeParse(json);
  if (!parsed.success) throw new CutterError("KB_ANSWER_INVALID", { ...facts, reason: "not the fields of this call" });
  return parsed.data;
}

/** Only the application itself may say that a document is missing; a proxy's page or an unknown route means a wrong address. */
function toMissing(facts: { readonly call: string; readonly status: number }, json: unknown): null {
  if (!errorSchema.safeParse(json).success) throw new CutterError("KB_ANSWER_INVALID", { ...facts, reason: "no such route" });
  return null;
}

function toKnownCode(json: unknown): string {
  const parsed = errorSchema.safeParse(json);
  return parsed.success && knownCodes.includes(parsed.data.code) ? parsed.data.code : "other";
}
