// The API: one request in, one answer out, with production's semantics. No streams, no sockets, no faults here.
import { createHash, timingSafeEqual } from "node:crypto";
import { proxyKeyRefusal, toApplicationError, toFrameworkError, toJson, toProxyPage, toValidationError, type Answer } from "./answers.ts";
import type { DocumentStore, StoredDocument } from "./store.ts";
import { changeSchema, newDocumentSchema, parseRequest } from "./validation.ts";

export interface ApiRequest {
  readonly method: string;
  readonly target: string; // path and query as sent
  readonly key: string | null;
  readonly body: Buffer;
}

export interface ApiOptions {
  readonly prefix: string; // "" = no reverse proxy
  readonly key: string | null; // null: a server without a key
  readonly store: DocumentStore;
}

const previewCharactersMax = 500;
const openPaths: Readonly<Record<string, unknown>> = {
  "/": { service: "agent-data" },
  "/health": { status: "healthy" },
  "/info": { name: "agent-data", api: "documents, kb" },
};

/** Never throws for what a client sends; a failing database throws through. */
export async function answer(request: ApiRequest, options: ApiOptions): Promise<Answer> {
  const [rawPath = "", query = ""] = request.target.split("?", 2);
  if (rawPath !== options.prefix && !rawPath.startsWith(`${options.prefix}/`)) return toProxyPage(404, "Not Found");
  const path = decode(rawPath.slice(options.prefix.length) || "/");
  if (path === null) return toProxyPage(400, "Bad Request");

  const open = openPaths[path];
  if (open !== undefined) return request.method === "GET" ? toJson(200, open) : toFrameworkError(405, "Method Not Allowed");
  const keyIsRight = options.key !== null && request.key !== null && isSame(request.key, options.key);
  if (options.prefix !== "" && options.key !== null && path.startsWith("/kb/") && !keyIsRight) return proxyKeyRefusal;

  const route = findRoute(request.method, path);
  if (route === null) return toFrameworkError(404, "Not Found");
  if (route === "wrong method") return toFrameworkError(405, "Method Not Allowed");
  if (options.key === null) return toApplicationError(403, "FORBIDDEN", "API key is not configured on this server");
  if (!keyIsRight) return toApplicationError(401, "UNAUTHORIZED", "Invalid or missing API key");
  return await route({ body: request.body, query: new URLSearchParams(query), store: options.store });
}

interface RouteInput {
  readonly body: Buffer;
  readonly query: URLSearchParams;
  readonly store: DocumentStore;
}
type Route = (input: RouteInput) => Promise<Answer>;

function findRoute(method: string, path: string): Route | "wrong method" | null {
  const [, folder, id] = /^(\/kb\/get|\/documents)\/(.+)$/s.exec(path) ?? [];
  const methods: Readonly<Record<string, Route>> | null =
    path === "/documents"
      ? { POST: create }
      : path === "/kb/list"
        ? { GET: list }
        : id === undefined
          ? null
          : folder === "/kb/get"
            ? { GET: (input) => readWhole(id, input) }
            : { GET: (input) => readPreview(id, input), PUT: (input) => replace(id, input), DELETE: (input) => remove(id, input) };
  return methods === null ? null : (methods[method] ?? "wrong method");
}

async function create({ body, query, store }: RouteInput): Promise<Answer> {
  const parsed = parseRequest(newDocumentSchema, body);
  if (!parsed.ok) return toValidationError(parsed.detail);
  const { document_id: id, parent_id: parentId, content, metadata } = parsed.value;
  const document = { id, parentId, mimeType: content.mime_type, body: content.body, metadata };
  const stored = isTrue(query.get("upsert")) ? await store.upsert(document) : await store.insert(document);
  if (stored === null) return toApplicationError(409, "CONFLICT", "Document already exists", { document_id: id });
  return toJson(200, { id: stored.document_id, status: stored.revision === 1 ? "created" : "updated", revision: stored.revision });
}

async function replace(id: string, { body, store }: RouteInput): Promise<Answer> {
  const parsed = parseRequest(changeSchema, body);
  if (!parsed.ok) return toValidationError(parsed.detail);
  const { parent_id: parentId = null, content, metadata = null, last_known_revision: lastKnownRevision = null } = parsed.value;
  const stored = await store.replace({
    id,
    parentId,
    mimeType: content?.mime_type ?? null,
    body: content?.body ?? null,
    metadata,
    lastKnownRevision,
  });
  if (stored !== null) return toJson(200, { id: stored.document_id, status: "updated", revision: stored.revision });
  const current = await store.read(id);
  if (current === null) return notFound(id);
  return toApplicationError(409, "CONFLICT", "Revision mismatch", { last_known_revision: lastKnownRevision, revision: current.revision });
}

async function remove(id: string, { store }: RouteInput): Promise<Answer> {
  const removed = await store.remove(id);
  return removed === null ? notFound(id) : toJson(200, { id: removed.document_id, status: "deleted", revision: removed.revision });
}

async function readWhole(id: string, { store }: RouteInput): Promise<Answer> {
  const found = await store.read(id);
  if (found === null) return notFound(id);
  return toJson(200, { document_id: found.document_id, content: found.body, metadata: found.metadata, revision: found.revision });
}

async function readPreview(id: string, { query, store }: RouteInput): Promise<Answer> {
  const found = await store.read(id);
  if (found === null) return notFound(id);
  const length = countCharacters(found.body);
  const truncated = !isTrue(query.get("full")) && length > previewCharactersMax;
  return toJson(200, {
    document_id: found.document_id,
    parent_id: found.parent_id,
    content: truncated ? takeCharacters(found.body, previewCharactersMax) : found.body,
    content_length: length,
    truncated,
    metadata: found.metadata,
    revision: found.revision,
  });
}

async function list({ query, store }: RouteInput): Promise<Answer> {
  const items = (await store.list(query.get("prefix") ?? "")).map(toListItem);
  return toJson(200, { items, count: items.length });
}

function toListItem({ document_id, parent_id, metadata, revision }: Omit<StoredDocument, "mime_type" | "body">) {
  return { document_id, parent_id, title: metadata["title"] ?? "", tags: metadata["tags"] ?? [], revision };
}

const notFound = (id: string): Answer => toApplicationError(404, "NOT_FOUND", "Document not found", { document_id: id });
const isTrue = (value: string | null): boolean => value === "true" || value === "1";

/** Characters are code points, as production's language counts them. */
function countCharacters(text: string): number {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}

function takeCharacters(text: string, countMax: number): string {
  return Array.from(text.slice(0, 2 * countMax))
    .slice(0, countMax)
    .join("");
}

function decode(path: string): string | null {
  try {
    return decodeURIComponent(path);
  } catch {
    return null;
  }
}

function isSame(left: string, right: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(left), digest(right));
}
