// The knowledge base over HTTPS: the port of ports/knowledge-base.ts, spoken to the Agent Data API.
import type { z } from "zod";
import { CutterError } from "../../core/errors.ts";
import { sha256Hex } from "../../core/encoding/digest.ts";
import { assertStorable, kbBytesMax, toParentId, type NewKbDocument } from "../../core/knowledge-base/document.ts";
import { assertKbId, assertKbPrefix } from "../../core/knowledge-base/id.ts";
import type { KbDocument, KbWritten, KnowledgeBase } from "../../ports/knowledge-base.ts";
import { listSchema, storedSchema, toAnswer, writtenSchema } from "./answers.ts";
import { createTransport, toCallName, type Call, type Transport, type TransportOptions } from "./transport.ts";

const readTriesMax = 3; // the API's owner asks for 30 s and two retries

/**
 * Connects on first use. Reads are tried three times while the knowledge base is out; a write is sent once, and if its answer is lost
 * the document is read to see what became of it.
 * @throws KB_KEY_MALFORMED, KB_TLS_REFUSED (unreadable CA); the calls throw the KB_* codes
 */
export function openAgentData(options: TransportOptions): KnowledgeBase {
  const baseTransport = createTransport(options);
  let serverDate: { readonly date: Date; readonly atMs: number } | null = null;
  const transport: Transport = {
    send: async (call) => {
      const answer = await baseTransport.send(call);
      const date = new Date(answer.date ?? "");
      if (!Number.isNaN(date.getTime())) serverDate = { date, atMs: performance.now() };
      return answer;
    },
    close: () => baseTransport.close(),
  };
  return {
    kind: "agent-data",
    read: (id) => read(transport, id, readTriesMax),
    write: (document) => write(transport, document),
    writeAt: (document, revision) => writeAt(transport, document, revision),
    list: (prefix) => list(transport, prefix),
    readDate: () => Promise.resolve(serverDate === null ? null : new Date(serverDate.date.getTime() + performance.now() - serverDate.atMs)),
    close: async () => transport.close(),
  };
}

/** By /kb/get: the other route cuts a document after 500 characters. */
async function read(transport: Transport, id: string, triesMax: number): Promise<KbDocument | null> {
  assertKbId(id);
  const call: Call = { method: "GET", path: `/kb/get/${id}` };
  const stored = await ask(transport, call, storedSchema, triesMax);
  if (stored === null) return null;
  if (stored.document_id !== id) throw new CutterError("KB_READ_BACK_DIFFERS", { reason: "document", call: toCallName(call), id });
  return { id, revision: stored.revision, body: stored.content, sha256: sha256Hex(stored.content), title: stored.metadata.title };
}

async function write(transport: Transport, document: NewKbDocument): Promise<KbWritten> {
  assertStorable(document);
  const call: Call = { method: "POST", path: "/documents", query: "upsert=true", body: toRequestBody(document) };
  const written = await ask(transport, call, writtenSchema, 1).catch((error: unknown) => readOutcome(transport, document, error));
  if (written === null) throw new CutterError("KB_REFUSED", { call: toCallName(call), status: 404, code: "NOT_FOUND" });
  if (written.id !== document.id)
    throw new CutterError("KB_READ_BACK_DIFFERS", { reason: "document", call: toCallName(call), id: document.id });
  if ((written.status === "created") !== (written.revision === 1)) {
    throw new CutterError("KB_READ_BACK_DIFFERS", {
      reason: "revision",
      call: toCallName(call),
      id: document.id,
      status: written.status,
      revision: written.revision,
    });
  }
  return { id: written.id, revision: written.revision, status: written.status };
}

/**
 * The API's optimistic lock is on PUT, and POST without upsert refuses a document that exists; both say 409. Sent once, never looked up:
 * the caller reads.
 */
async function writeAt(transport: Transport, document: NewKbDocument, revision: number): Promise<KbWritten | null> {
  assertStorable(document);
  const call: Call =
    revision === 0
      ? { method: "POST", path: "/documents", query: "upsert=false", body: toRequestBody(document) }
      : { method: "PUT", path: `/documents/${document.id}`, body: toRequestBody(document, { last_known_revision: revision }) };
  const written = await ask(transport, call, writtenSchema, 1).catch(toNullIfConflict);
  if (written === null) return null;
  if (written.id !== document.id)
    throw new CutterError("KB_READ_BACK_DIFFERS", { reason: "document", call: toCallName(call), id: document.id });
  if (written.revision !== revision + 1)
    throw new CutterError("KB_READ_BACK_DIFFERS", {
      reason: "revision",
      call: toCallName(call),
      id: document.id,
      before: revision,
      revision: written.revision,
    });
  return { id: written.id, revision: written.revision, status: written.status };
}

function toNullIfConflict(error: unknown): null {
  if (error instanceof CutterError && error.code === "KB_REFUSED" && error.facts["status"] === 409) return null;
  throw error;
}

/** A lost answer proves neither that the write happened nor that it did not; the stored body tells. */
async function readOutcome(transport: Transport, document: NewKbDocument, error: unknown): Promise<KbWritten> {
  if (!(error instanceof CutterError && error.code === "KB_UNAVAILABLE")) throw error;
  const stored = await read(transport, document.id, 1);
  if (stored === null || stored.sha256 !== sha256Hex(document.body)) throw error;
  return { id: stored.id, revision: stored.revision, status: stored.revision === 1 ? "created" : "updated" };
}

async function list(
  transport: Transport,
  prefix: string,
): Promise<readonly { readonly id: string; readonly revision: number; readonly title: string }[]> {
  assertKbPrefix(prefix);
  const call: Call = { method: "GET", path: "/kb/list", query: `prefix=${encodeURIComponent(prefix)}` };
  const listed = await ask(transport, call, listSchema, readTriesMax);
  if (listed === null || listed.count !== listed.items.length)
    throw new CutterError("KB_ANSWER_INVALID", { call: toCallName(call), reason: "the count is not the number of items" });
  if (!listed.items.every((item) => item.document_id.startsWith(prefix)))
    throw new CutterError("KB_READ_BACK_DIFFERS", { reason: "document", call: toCallName(call), prefix });
  return listed.items.map((item) => ({ id: item.document_id, revision: item.revision, title: item.title }));
}

async function ask<Value>(transport: Transport, call: Call, schema: z.ZodType<Value>, triesMax: number): Promise<Value | null> {
  for (let tries = 1; ; tries += 1) {
    try {
      return toAnswer(call, await transport.send(call), schema);
    } catch (error) {
      const isOutage = error instanceof CutterError && error.code === "KB_UNAVAILABLE";
      if (!isOutage || tries >= triesMax) throw error;
    }
  }
}

function toRequestBody(document: NewKbDocument, more: Readonly<Record<string, number>> = {}): Buffer {
  const body = Buffer.from(
    JSON.stringify({
      document_id: document.id,
      parent_id: toParentId(document.id),
      content: { mime_type: "text/markdown", body: document.body },
      metadata: { title: document.title, tags: document.tags, source: "cutter" },
      ...more,
    }),
    "utf8",
  );
  if (body.length > kbBytesMax)
    throw new CutterError("KB_DOCUMENT_INVALID", { id: document.id, part: "body", reason: "more than 50 MB as a request" });
  return body;
}
