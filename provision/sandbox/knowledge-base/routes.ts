// The API: one request in, one answer out, with production's semantics. No streams, no sockets, no faults here.
import { createHash, timingSafeEqual } from "node:crypto";
import * as answers from "./answers.ts";
import type { Answer } from "./answers.ts";
import * as documents from "./documents.ts";
import type { Handler } from "./documents.ts";
import { openPages } from "./open-pages.ts";
import type { DocumentStore } from "./store.ts";
import { UnstorableDocument } from "./unstorable.ts";
import { readJson } from "./validation.ts";

export interface ApiRequest {
  readonly method: string;
  readonly target: string; // path and query as sent
  readonly key: string | null;
  readonly contentType: string;
  readonly body: Buffer;
}

export interface ApiOptions {
  readonly prefix: string; // "" = no reverse proxy
  readonly key: string | null; // null: a server without a key
  readonly store: DocumentStore;
}

/** Never throws for what a client sends; a failing database throws through. */
export async function answer(request: ApiRequest, options: ApiOptions): Promise<Answer> {
  const [rawPath = "", query = ""] = request.target.split("?", 2);
  if (rawPath === options.prefix && options.prefix !== "") return answers.toProxyPage(301, "Moved Permanently", `${options.prefix}/`);
  if (!rawPath.startsWith(`${options.prefix}/`)) return answers.website;
  const path = decode(rawPath.slice(options.prefix.length));
  if (path === null) return answers.toProxyPage(400, "Bad Request");

  const keyIsRight = options.key !== null && request.key !== null && isSame(request.key, options.key);
  if (options.prefix !== "" && options.key !== null && /^\/kb\/(get|list)/.test(path) && !keyIsRight) return answers.proxyKeyRefusal;

  const route = findRoute(request.method, path);
  if (route === "none") return isRoute(toggleSlash(path)) ? answers.toSlashRedirect(toggleSlash(rawPath)) : toNotFound();
  if (route === "wrong method") return answers.toFrameworkError(405, "Method Not Allowed");
  if ("open" in route) return answers.toJson(200, route.open);
  // The framework reads the body before it asks for the key, and judges its fields only after.
  const body = route.takesBody ? readJson(request.body, request.contentType) : ({ kind: "json", value: undefined } as const);
  if (body.kind === "not UTF-8") return answers.toFrameworkError(400, "There was an error parsing the body");
  if (body.kind === "no JSON") return answers.toValidationError(body.detail);
  if (options.key === null) return answers.toApplicationError(403, "FORBIDDEN", "API key is not configured on this server");
  if (!keyIsRight) return answers.toApplicationError(401, "UNAUTHORIZED", "Invalid or missing API key");
  try {
    return await route.handler({ id: route.id, json: body.value, query: new URLSearchParams(query), store: options.store });
  } catch (error) {
    if (!(error instanceof UnstorableDocument)) throw error;
    return answers.toApplicationError(500, "INTERNAL", "Internal error", { error: error.message });
  }
}

type Route = { readonly open: unknown } | { readonly id: string; readonly takesBody: boolean; readonly handler: Handler };

/** In the order in which the framework looks; an id may be empty, and holds slashes. */
const routes: readonly (readonly [RegExp, Readonly<Record<string, Handler | { readonly open: unknown }>>])[] = [
  ...Object.entries(openPages).map(([path, open]) => [new RegExp(`^${path}$`), { GET: { open } }] as const),
  [/^\/documents$/, { POST: documents.create }],
  [/^\/documents\/batch$/, { POST: documents.readMany }],
  [/^\/documents\/(?<id>.*)\/move$/s, { POST: documents.move }],
  [
    /^\/documents\/(?<id>.*)$/s,
    { GET: documents.readPreview, PUT: documents.replace, PATCH: documents.replaceText, DELETE: documents.remove },
  ],
  [/^\/kb\/list$/, { GET: documents.list }],
  [/^\/kb\/get\/(?<id>.*)$/s, { GET: documents.readWhole }],
];

function findRoute(method: string, path: string): Route | "wrong method" | "none" {
  let found: "wrong method" | "none" = "none";
  for (const [pattern, methods] of routes) {
    const match = pattern.exec(path);
    if (match === null) continue;
    const handler = Object.hasOwn(methods, method) ? methods[method] : undefined;
    if (handler === undefined) found = "wrong method";
    else if (typeof handler !== "function") return handler;
    else return { id: match.groups?.["id"] ?? "", takesBody: method.startsWith("P"), handler };
  }
  return found;
}

const isRoute = (path: string): boolean => routes.some(([pattern]) => pattern.test(path));
const toggleSlash = (path: string): string => (path.endsWith("/") ? path.slice(0, -1) : `${path}/`);
const toNotFound = (): Answer => answers.toFrameworkError(404, "Not Found");

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
