// What each call does to the documents: created, patched, moved, deleted softly, read whole or cut, listed.
import { toApplicationError, toJson, toValidationError, type Answer } from "./answers.ts";
import type { DocumentStore, StoredDocument } from "./store.ts";
import { batchSchema, changeSchema, moveSchema, newDocumentSchema, parseRequest, parseSwitch, replaceTextSchema } from "./validation.ts";

interface Input {
  readonly id: string; // of the path; empty where it has none
  readonly json: unknown;
  readonly query: URLSearchParams;
  readonly store: DocumentStore;
}
export type Handler = (input: Input) => Promise<Answer>;

const previewCharactersMax = 500;
const relatedMax = 20;

export const create: Handler = async ({ json, query, store }) => {
  const upsert = parseSwitch(query, "upsert");
  const parsed = parseRequest(newDocumentSchema, json);
  if (!upsert.ok || !parsed.ok) return toValidationError([...(upsert.ok ? [] : upsert.detail), ...(parsed.ok ? [] : parsed.detail)]);
  const { document_id: id, parent_id, content, metadata } = parsed.value;
  const document = { document_id: id, parent_id, content, metadata: withoutNulls(metadata) };
  if (upsert.value) {
    const { status, revision } = await store.upsert(document);
    return toJson(200, { id, status, revision });
  }
  const revision = await store.insert(document);
  if (revision === null) return toApplicationError(409, "CONFLICT", "Document already exists", { document_id: id });
  return toJson(200, { id, status: "created", revision });
};

/** The id in the body is asked for and not looked at. A deleted document is patched as well, and stays deleted. */
export const replace: Handler = async ({ id, json, store }) => {
  // Seen: a PUT without a body, or with null, is no 422 but an error of the application's own code.
  if (json === undefined || json === null)
    return toApplicationError(500, "INTERNAL", "Internal error", { error: "'NoneType' object has no attribute 'last_known_revision'" });
  const parsed = parseRequest(changeSchema, json);
  if (!parsed.ok) return toValidationError(parsed.detail);
  const { patch, update_mask: mask, last_known_revision: expected } = parsed.value;
  const change = {
    ...(patch.content ? { content: patch.content } : {}),
    ...(patch.metadata ? { metadata: withoutNulls(patch.metadata) } : {}),
  };
  const named = Object.entries(change).filter(([name]) => mask.length === 0 || mask.includes(name));
  const isWhole = named.length > 0 && mask.every((name) => name in change);
  const changed = await store.change(id, ({ revision: actual }) => {
    if (expected !== null && expected !== actual)
      return {
        refused: toApplicationError(409, "CONFLICT", "Revision mismatch", { expected_revision: expected, actual_revision: actual }),
      };
    if (!isWhole) return { refused: toApplicationError(400, "INVALID_ARGUMENT", "Nothing to update") };
    return { change: Object.fromEntries(named) };
  });
  return toChanged(id, "updated", changed);
};

export const replaceText: Handler = async ({ id, json, store }) => {
  const parsed = parseRequest(replaceTextSchema, json);
  if (!parsed.ok) return toValidationError(parsed.detail);
  const { old_str: old, new_str: text } = parsed.value;
  const changed = await store.change(id, ({ content }, deleted) => {
    if (deleted) return { refused: notFound(id) };
    if (!content.body.includes(old)) return { refused: toApplicationError(400, "INVALID_ARGUMENT", "Text not found") };
    return { change: { content: { ...content, body: content.body.replace(old, () => text) } } };
  });
  return toChanged(id, "patched", changed);
};

export const move: Handler = async ({ id, json, store }) => {
  const parsed = parseRequest(moveSchema, json);
  if (!parsed.ok) return toValidationError(parsed.detail);
  const { new_parent_id: parent_id } = parsed.value;
  return toChanged(id, "moved", await store.change(id, (_, deleted) => (deleted ? { refused: notFound(id) } : { change: { parent_id } })));
};

export const remove: Handler = async ({ id, store }) => {
  const revision = await store.remove(id);
  return revision === null ? notFound(id) : toJson(200, { id, status: "deleted", revision });
};

export const readWhole: Handler = async ({ id, store }) => {
  if (id === "") return toEmptyId();
  const found = await store.read(id);
  if (found === null) return notFound(id);
  return toJson(200, { document_id: found.document_id, content: found.content.body, metadata: found.metadata, revision: found.revision });
};

export const readPreview: Handler = async ({ id, query, store }) => {
  if (id === "") return toEmptyId();
  const full = parseSwitch(query, "full");
  const related = Number(query.get("top_k") ?? 0);
  if (!full.ok) return toValidationError(full.detail);
  if (related > relatedMax) {
    const detail = {
      type: "less_than_equal",
      loc: ["query", "top_k"],
      msg: "Input is too large",
      input: String(related),
      ctx: { le: relatedMax },
    };
    return toValidationError([detail]);
  }
  const found = await store.read(id);
  return found === null ? notFound(id) : toJson(200, { ...toPart(found, full.value), ...(full.value ? {} : { related: [] }) });
};

export const readMany: Handler = async ({ json, store }) => {
  const parsed = parseRequest(batchSchema, json);
  if (!parsed.ok) return toValidationError(parsed.detail);
  const found = await Promise.all(parsed.value.paths.map((id) => store.read(id)));
  const items = found.filter((one) => one !== null).map((one) => toPart(one, parsed.value.full));
  return toJson(200, { items, count: items.length });
};

export const list: Handler = async ({ query, store }) => {
  const items = (await store.list(query.get("prefix") ?? "")).map(({ document_id, parent_id, metadata, revision }) => ({
    document_id,
    parent_id,
    title: metadata?.["title"] ?? "",
    tags: metadata?.["tags"] ?? [],
    revision,
  }));
  return toJson(200, { items, count: items.length });
};

function toPart({ document_id, content, metadata, revision }: StoredDocument, full: boolean): object {
  const characters = Array.from(content.body); // code points, as production's language counts them
  const truncated = !full && characters.length > previewCharactersMax;
  return {
    document_id,
    content: truncated ? characters.slice(0, previewCharactersMax).join("") : content.body,
    metadata,
    revision,
    truncated,
    content_length: characters.length,
  };
}

function toChanged(id: string, status: string, changed: { readonly revision: number } | { readonly refused: Answer } | null): Answer {
  if (changed === null) return notFound(id);
  return "refused" in changed ? changed.refused : toJson(200, { id, status, revision: changed.revision });
}

const withoutNulls = (metadata: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(metadata).filter(([, value]) => value !== null && value !== undefined));

const notFound = (id: string): Answer => toApplicationError(404, "NOT_FOUND", "Document not found", { document_id: id });
const toEmptyId = (): Answer =>
  toValidationError([
    { type: "string_too_short", loc: ["path", "doc_id"], msg: "String should have characters", input: "", ctx: { min_length: 1 } },
  ]);
