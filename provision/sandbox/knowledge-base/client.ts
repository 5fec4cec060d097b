// Puts one document into the sandbox's knowledge base, for `npm run sandbox -- document add`, and proves that it arrived.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import https from "node:https";
import { z } from "zod";
import { assertKbId } from "../../../orchestrator/core/knowledge-base/id.ts";
import { CutterError } from "../../../orchestrator/core/errors.ts";
import { readSecretFile } from "./config.ts";
import { tryParseJson } from "../../../orchestrator/core/encoding/try-parse-json.ts";

export interface KnowledgeBaseAccess {
  readonly baseUrl: string; // https, with prefix
  readonly caFile: string;
  readonly apiKeyFile: string;
  readonly address: string | null; // where to connect, when the name of baseUrl is in no resolver; its port stays baseUrl's
}

export interface UploadedDocument {
  readonly id: string;
  readonly revision: number;
  readonly status: "created" | "updated";
  readonly sha256: string; // of the body read back in full
}

const timeoutMs = 30_000;
const writtenSchema = z.looseObject({ id: z.string(), status: z.enum(["created", "updated"]), revision: z.int().min(1) });
const storedSchema = z.looseObject({ document_id: z.string(), content: z.string(), revision: z.int().min(1) });

/**
 * Upserts, then reads back in full. May be repeated: each call is a new revision.
 * @throws KB_ID_INVALID, KB_UNAVAILABLE, KB_REFUSED, KB_ANSWER_INVALID, KB_READ_BACK_DIFFERS
 */
export async function uploadDocument(
  access: KnowledgeBaseAccess,
  document: { readonly id: string; readonly title: string; readonly body: string; readonly tags: readonly string[] },
): Promise<UploadedDocument> {
  assertKbId(document.id);
  const folder = document.id.split("/").slice(0, -1).join("/");
  const written = await call(access, "POST", "/documents?upsert=true", writtenSchema, {
    document_id: document.id,
    parent_id: folder === "" ? "root" : folder,
    content: { mime_type: "text/markdown", body: document.body },
    metadata: { title: document.title, tags: document.tags, source: "sandbox" },
  });
  const stored = await call(access, "GET", `/kb/get/${document.id}`, storedSchema);
  const sha256 = toSha256(stored.content);
  if (sha256 !== toSha256(document.body))
    throw new CutterError("KB_READ_BACK_DIFFERS", { reason: "body", id: document.id, sha256, expected_sha256: toSha256(document.body) });
  return { id: written.id, revision: stored.revision, status: written.status, sha256 };
}

async function call<Value>(
  access: KnowledgeBaseAccess,
  method: string,
  path: string,
  schema: z.ZodType<Value>,
  body?: unknown,
): Promise<Value> {
  const { status, text } = await send(access, method, path, body === undefined ? null : Buffer.from(JSON.stringify(body), "utf8"));
  const name = `${method} ${path.split("?")[0]}`;
  if (status !== 200) throw new CutterError("KB_REFUSED", { call: name, status });
  const parsed = schema.safeParse(tryParseJson(text));
  if (!parsed.success) throw new CutterError("KB_ANSWER_INVALID", { call: name });
  return parsed.data;
}

function send(
  access: KnowledgeBaseAccess,
  method: string,
  path: string,
  body: Buffer | null,
): Promise<{ readonly status: number; readonly text: string }> {
  const url = new URL(access.baseUrl + path);
  return new Promise((resolve, reject) => {
    const request = https.request(
      {
        host: access.address ?? url.hostname,
        port: url.port === "" ? 443 : Number(url.port),
        servername: url.hostname,
        path: url.pathname + url.search,
        method,
        ca: readFileSync(access.caFile),
        rejectUnauthorized: true,
        agent: false,
        signal: AbortSignal.timeout(timeoutMs),
        headers: {
          Host: url.host,
          "X-API-Key": readSecretFile(access.apiKeyFile),
          ...(body === null ? {} : { "Content-Type": "application/json", "Content-Length": body.length }),
        },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", fail);
        response.on("end", () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString("utf8") }));
      },
    );
    const fail = (error: Error) =>
      reject(
        new CutterError("KB_UNAVAILABLE", { call: `${method} ${url.pathname}`, reason: "code" in error ? String(error.code) : error.name }),
      );
    request.on("error", fail);
    request.end(body ?? undefined);
  });
}

const toSha256 = (text: string): string => createHash("sha256").update(text, "utf8").digest("hex");
