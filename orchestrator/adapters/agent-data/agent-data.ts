// The knowledge base over HTTPS: the port of ports/knowledge-base.ts, spoken to the Agent Data API.
import type { z } from "zod";
import { CutterError } from "../../core/errors.ts";
import { sha256Hex } from "../../core/encoding/digest.ts";
import { assertStorable, kbBytesMax, toParentId, type NewKbDocument } from "../../core/knowledge-base/document.ts";
import { assertKbId, assertKbPrefix } from "../../core/knowledge-base/id.ts";
import type { KbDocument, KbListing, KbWritten, KnowledgeBase } from "../../ports/knowledge-base.ts";
import { listSchema, storedSchema, toAnswer, toListedRow, writtenSchema } from "./answers.ts";
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
  return { id, revision: stored.revision, body: stored.content, sha256: sha256Hex(stored.content), title: stored.metadata?.title ?? "" };
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
 * The API's optimistic lock is on PUT, which is a patch, and POST without upsert refuses a document that exists; both say 409. Sent once.
 * The lock holds within one process of the server only, and a deleted document is patched without a word: so what stands there decides.
 */
async function writeAt(transport: Transport, document: NewKbDocument, revision: number): Promise<KbWritten | null> {
  assertStorable(document);
  const call: Call =
    revision === 0
      ? { method: "POST", path: "/documents", query: "upsert=false", body: toRequestBody(document) }
      : { method: "PUT", path: `/documents/${document.id}`, body: toPatchBody(document, revision) };
  const status = revision === 0 ? "created" : "updated";
  const written = await ask(transport, call, writtenSchema, 1).catch(async (error: unknown) => {
    if (error instanceof CutterError && error.code === "KB_REFUSED" && error.facts["status"] === 409) return null;
    const stored = await readOutcome(transport, document, error);
    if (stored.revision !== revision + 1) throw error; // our body, but not by this write
    return { ...stored, status };
  });
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
  const stored = await read(transport, document.id, readTriesMax);
  if (stored === null || (stored.revision <= written.revision && stored.sha256 !== sha256Hex(document.body))) return null;
  return { id: written.id, revision: written.revision, status };
}

/**
 * A lost answer proves neither that the write happened nor that it did not; the stored body tells. Where reading fails as well, the lost
 * write is what is told.
 */
async function readOutcome(transport: Transport, document: NewKbDocument, error: unknown): Promise<KbWritten> {
  if (!(error instanceof CutterError && error.code === "KB_UNAVAILABLE")) throw error;
  const stored = await read(transport, document.id, 1).catch((cause: unknown) => {
    if (cause instanceof CutterError && cause.code === "KB_UNAVAILABLE") return null;
    throw cause;
  });
  if (stored === null || stored.sha256 !== sha256Hex(document.body)) throw error;
  return { id: stored.id, revision: stored.revision, status: stored.revision === 1 ? "created" : "updated" };
}

/** Rows of older versions of the API are not of its present form: each is skipped and named, and the others are listed. */
async function list(transport: Transport, prefix: string): Promise<KbListing> {
  assertKbPrefix(prefix);
  const call: Call = { method: "GET", path: "/kb/list", query: `prefix=${encodeURIComponent(prefix)}` };
  const listed = await ask(transport, call, listSchema, readTriesMax);
  if (listed === null || listed.count !== listed.items.length)
    throw new CutterError("KB_ANSWER_INVALID", { call: toCallName(call), reason: "the count is not the number of items" });
  const rows = listed.items.map(toListedRow);
  if (!rows.every(({ id }) => id === "" || id.startsWith(prefix)))
    throw new CutterError("KB_READ_BACK_DIFFERS", { reason: "document", call: toCallName(call), prefix });
  return {
    documents: rows.flatMap((row) => ("why" in row ? [] : [row])),
    skipped: rows.flatMap((row) => ("why" in row ? [row] : [])),
  };
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

function toRequestBody(document: NewKbDocument): Buffer {
  return toBytes(document, { document_id: document.id, parent_id: toParentId(document.id), ...toParts(document) });
}

/** PUT takes the parts to replace and their names; without them it is a 422. */
function toPatchBody(document: NewKbDocument, revision: number): Buffer {
  const patch = toParts(document);
  return toBytes(document, { document_id: document.id, patch, update_mask: Object.keys(patch), last_known_revision: revision });
}

const toParts = ({ title, body, tags }: NewKbDocument) => ({
  content: { mime_type: "text/markdown", body },
  metadata: { title, tags, source: "cutter" },
});

function toBytes({ id }: NewKbDocument, value: object): Buffer {
  const body = Buffer.from(JSON.stringify(value), "utf8");
  if (body.length > kbBytesMax) throw new CutterError("KB_DOCUMENT_INVALID", { id, part: "body", reason: "more than 50 MB as a request" });
  return body;
}
