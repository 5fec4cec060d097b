// The sandbox's knowledge base answers as production's does: each line of the production facts, asked over HTTPS.
import { readFileSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import https from "node:https";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { startPostgres, type TestPostgres } from "../../../support/database/postgres.ts";
import { startTestKnowledgeBase, type TestKnowledgeBase } from "../../../support/test-knowledge-base.ts";

let postgres: TestPostgres;
let server: TestKnowledgeBase;
let withoutKey: TestKnowledgeBase;
beforeAll(async () => {
  postgres = await startPostgres({ ownServer: "it makes the role and the database agent_data" });
  server = await startTestKnowledgeBase(postgres);
  withoutKey = await startTestKnowledgeBase(postgres, { withoutKey: true });
}, 120_000);
afterAll(async () => {
  await server.stop();
  await withoutKey.stop();
  await postgres.stop();
});
afterEach(() => server.setFault(null));

interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  readonly json: Record<string, unknown>;
}

function ask(
  method: string,
  path: string,
  body?: unknown,
  options: { readonly key?: string | null; readonly at?: TestKnowledgeBase } = {},
): Promise<Reply> {
  const at = options.at ?? server;
  const key = options.key === undefined ? at.apiKey : options.key;
  const bytes =
    body === undefined
      ? undefined
      : typeof body === "string" || Buffer.isBuffer(body)
        ? Buffer.from(body)
        : Buffer.from(JSON.stringify(body));
  return new Promise((resolve, reject) => {
    const request = https.request(
      {
        host: at.relay.address,
        port: at.relay.port,
        servername: "kb.test",
        ca: readFileSync(at.caFile),
        method,
        path,
        agent: false,
        headers: {
          Host: "kb.test",
          ...(key === null ? {} : { "X-API-Key": key }),
          ...(bytes === undefined ? {} : { "Content-Type": "application/json", "Content-Length": bytes.length }),
        },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () => {
          const text = Buffer.concat(chunks).toString("utf8");
          const isJson = response.headers["content-type"] === "application/json";
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text,
            json: isJson ? (JSON.parse(text) as Record<string, unknown>) : {},
          });
        });
      },
    );
    request.on("error", reject);
    request.end(bytes);
  });
}

let count = 0;
const newId = () => `knowledge/dev/server-${(count += 1)}.md`;
const toDocument = (id: string, body: string, change: object = {}) => ({
  document_id: id,
  parent_id: "knowledge/dev",
  content: { mime_type: "text/markdown", body },
  metadata: { title: "T", tags: ["x"] },
  ...change,
});
const upsert = (id: string, body: string) => ask("POST", "/api/documents?upsert=true", toDocument(id, body));

describe("keys", () => {
  it("asks for no key on /, /health and /info", async () => {
    for (const path of ["/api/", "/api", "/api/health", "/api/info"])
      expect((await ask("GET", path, undefined, { key: null })).status).toBe(200);
  });

  it.each([null, "", "wrong"])("answers 401 UNAUTHORIZED to the key %j", async (key) => {
    const reply = await ask("POST", "/api/documents?upsert=true", toDocument(newId(), "b"), { key });
    expect(reply.status).toBe(401);
    expect(Object.keys(reply.json)).toEqual(["code", "message", "details", "source", "request_id"]);
    expect(reply.json["code"]).toBe("UNAUTHORIZED");
  });

  it("answers 401 with next to nothing from the proxy on /api/kb/*, also where no route is", async () => {
    for (const path of ["/api/kb/get/knowledge/dev/a.md", "/api/kb/list", "/api/kb/nothing"]) {
      const reply = await ask("GET", path, undefined, { key: "wrong" });
      expect(reply.status).toBe(401);
      expect(reply.text.trim()).toBe("");
    }
  });

  it("answers 403 when the server itself has no key, and still none is asked for on /health", async () => {
    expect((await ask("POST", "/api/documents", toDocument(newId(), "b"), { at: withoutKey })).status).toBe(403);
    expect((await ask("GET", "/api/kb/list", undefined, { at: withoutKey })).status).toBe(403);
    expect((await ask("GET", "/api/health", undefined, { at: withoutKey })).status).toBe(200);
  });
});

describe("writing", () => {
  it("answers 200 to every upsert: created at revision 1, then updated with one more each", async () => {
    const id = newId();
    const first = await upsert(id, "one");
    expect([first.status, first.json]).toEqual([200, { id, status: "created", revision: 1 }]);
    expect((await upsert(id, "two")).json).toEqual({ id, status: "updated", revision: 2 });
  });

  it("answers 409 CONFLICT without upsert when the id exists, and changes nothing", async () => {
    const id = newId();
    expect((await ask("POST", "/api/documents", toDocument(id, "one"))).json).toEqual({ id, status: "created", revision: 1 });
    const again = await ask("POST", "/api/documents", toDocument(id, "two"));
    expect([again.status, again.json["code"]]).toEqual([409, "CONFLICT"]);
    expect((await ask("GET", `/api/kb/get/${id}`)).json).toMatchObject({ content: "one", revision: 1 });
  });

  const invalid: readonly (readonly [string, unknown, readonly unknown[]])[] = [
    [
      "an extra field in content",
      toDocument("a.md", "b", { content: { mime_type: "text/markdown", body: "b", extra: 1 } }),
      ["body", "content", "extra"],
    ],
    ["another mime type", toDocument("a.md", "b", { content: { mime_type: "text/html", body: "b" } }), ["body", "content", "mime_type"]],
    ["no body", toDocument("a.md", "b", { content: { mime_type: "text/plain" } }), ["body", "content", "body"]],
    ["no parent", { ...toDocument("a.md", "b"), parent_id: undefined }, ["body", "parent_id"]],
    ["U+0000 in the body", toDocument("a.md", "a\0b"), ["body", "content", "body"]],
    ["something that is not JSON", "{", ["body", 0]],
  ];
  it.each(invalid)("answers 422 with the place to %s", async (_what, body, place) => {
    const reply = await ask("POST", "/api/documents?upsert=true", body);
    expect(reply.status).toBe(422);
    expect((reply.json["detail"] as { readonly loc: unknown }[]).map((entry) => entry.loc)).toContainEqual(place);
  });

  it("keeps a/b and a__b as one document", async () => {
    const id = newId();
    await upsert(id, "one");
    expect((await upsert(id.replaceAll("/", "__"), "two")).json).toMatchObject({ status: "updated", revision: 2 });
    expect((await ask("GET", `/api/kb/get/${id}`)).json).toMatchObject({ content: "two" });
  });

  it("changes by PUT only at the last known revision", async () => {
    const id = newId();
    await upsert(id, "one");
    const stale = await ask("PUT", `/api/documents/${id}`, { content: { mime_type: "text/markdown", body: "x" }, last_known_revision: 7 });
    expect([stale.status, stale.json["code"]]).toEqual([409, "CONFLICT"]);
    expect(
      (await ask("PUT", `/api/documents/${id}`, { content: { mime_type: "text/markdown", body: "two" }, last_known_revision: 1 })).json,
    ).toEqual({ id, status: "updated", revision: 2 });
    expect((await ask("GET", `/api/kb/get/${id}`)).json).toMatchObject({ content: "two", metadata: { title: "T", tags: ["x"] } });
    expect((await ask("PUT", `/api/documents/${newId()}`, {})).status).toBe(404);
  });

  it("deletes softly: 404 from then on, the row stays, and re-creating starts at revision 1", async () => {
    const id = newId();
    await upsert(id, "one");
    await upsert(id, "two");
    expect((await ask("DELETE", `/api/documents/${id}`)).status).toBe(200);
    expect((await ask("GET", `/api/kb/get/${id}`)).json).toMatchObject({ code: "NOT_FOUND" });
    expect((await ask("GET", `/api/documents/${id}`)).status).toBe(404);
    expect((await ask("DELETE", `/api/documents/${id}`)).status).toBe(404);
    expect((await ask("GET", `/api/kb/list?prefix=${id}`)).json).toEqual({ items: [], count: 0 });
    const admin = await postgres.connect("workflow_admin", { database: "agent_data" });
    expect(
      (await admin.query("select body, deleted_at is not null as deleted from public.document where document_id = $1", [id])).rows,
    ).toEqual([{ body: "two", deleted: true }]);
    expect((await ask("POST", "/api/documents", toDocument(id, "three"))).json).toEqual({ id, status: "created", revision: 1 });
    await upsert(id, "four");
    await ask("DELETE", `/api/documents/${id}`);
    expect((await upsert(id, "five")).json).toEqual({ id, status: "created", revision: 1 });
  });

  it("refuses more than 50 MB with the proxy's page, before it takes the bytes", async () => {
    const { address: host, port } = server.relay;
    const headers = { Host: "kb.test", "X-API-Key": server.apiKey, "Content-Length": 50 * 1024 * 1024 + 1 };
    const request = https.request({
      host,
      port,
      servername: "kb.test",
      ca: readFileSync(server.caFile),
      method: "POST",
      path: "/api/documents?upsert=true",
      agent: false,
      headers,
    });
    request.on("error", () => undefined);
    request.flushHeaders();
    const [response] = (await once(request, "response")) as [IncomingMessage];
    request.destroy();
    expect([response.statusCode, response.headers["content-type"]]).toEqual([413, "text/html"]);
  });
});

describe("reading", () => {
  it("gives the whole document by /kb/get, and 500 characters by /documents unless full=true", async () => {
    const id = newId();
    const body = "😀ế".repeat(300);
    await upsert(id, body);
    expect((await ask("GET", `/api/kb/get/${id}`)).json).toEqual({
      document_id: id,
      content: body,
      metadata: { title: "T", tags: ["x"] },
      revision: 1,
    });
    expect((await ask("GET", `/api/documents/${id}`)).json).toMatchObject({
      content: "😀ế".repeat(250),
      truncated: true,
      content_length: 600,
    });
    expect((await ask("GET", `/api/documents/${id}?full=true`)).json).toMatchObject({
      content: body,
      truncated: false,
      content_length: 600,
    });
  });

  it("does not call 500 characters truncated", async () => {
    const id = newId();
    await upsert(id, "x".repeat(500));
    expect((await ask("GET", `/api/documents/${id}`)).json).toMatchObject({ truncated: false, content_length: 500 });
  });

  it("lists what begins with the prefix, all at once", async () => {
    await upsert("knowledge/ops/list-a.md", "a");
    await upsert("knowledge/ops/list-b.md", "b");
    const { json } = await ask("GET", "/api/kb/list?prefix=knowledge/ops/list-");
    expect(json).toEqual({
      items: ["a", "b"].map((name) => ({
        document_id: `knowledge/ops/list-${name}.md`,
        parent_id: "knowledge/dev",
        title: "T",
        tags: ["x"],
        revision: 1,
      })),
      count: 2,
    });
  });

  it("says Not Found for an unknown route, Method Not Allowed for a known one, and shows a page outside the prefix", async () => {
    expect([(await ask("GET", "/api/nothing")).status, (await ask("GET", "/api/nothing")).json]).toEqual([404, { detail: "Not Found" }]);
    expect((await ask("DELETE", "/api/kb/list")).status).toBe(405);
    const outside = await ask("GET", "/kb/get/a.md");
    expect([outside.status, outside.headers["content-type"]]).toEqual([404, "text/html"]);
  });

  it("carries the time of the server in each answer", async () => {
    const date = Date.parse(String((await ask("GET", "/api/health")).headers["date"]));
    expect(Math.abs(date - Date.now())).toBeLessThan(60_000);
  });
});

describe("faults that tests ask for in a file", () => {
  it("answers 500 after the document was stored, for that call only", async () => {
    const id = newId();
    server.setFault({ status: 500, after: true, method: "POST" });
    expect((await upsert(id, "stored all the same")).status).toBe(500);
    expect((await ask("GET", `/api/kb/get/${id}`)).json).toMatchObject({ content: "stored all the same" });
  });

  it("drops the connection, and is healthy again once the file is gone", async () => {
    server.setFault({ drop: true, pathContains: "/health" });
    await expect(ask("GET", "/api/health")).rejects.toMatchObject({ code: "ECONNRESET" });
    server.setFault(null);
    expect((await ask("GET", "/api/health")).status).toBe(200);
  });

  it("does not answer while it stalls, although it did the work", async () => {
    const id = newId();
    let outcome = "none";
    server.setFault({ stall: true, after: true, method: "POST" });
    const asked = upsert(id, "stored").then(
      () => (outcome = "answered"),
      () => (outcome = "cut"),
    );
    for (let tries = 0; tries < 500 && (await ask("GET", `/api/kb/get/${id}`)).status !== 200; tries += 1);
    expect((await ask("GET", `/api/kb/get/${id}`)).json).toMatchObject({ content: "stored" });
    expect(outcome).toBe("none");
    await server.stop();
    await asked;
    expect(outcome).toBe("cut");
    server = await startTestKnowledgeBase(postgres);
  });

  it("answers 503 to everything when the fault is misspelled, so that no test passes by it", async () => {
    server.setFault({ stal: true });
    expect((await ask("GET", "/api/health")).status).toBe(503);
  });
});

it("answers 503 while PostgreSQL does not let it in, and works as soon as it does", async () => {
  const alone = await startTestKnowledgeBase(postgres);
  const right = readFileSync(alone.config.database.passwordFile);
  writeFileSync(alone.config.database.passwordFile, "wrong\n");
  expect((await ask("GET", "/api/kb/list", undefined, { at: alone })).status).toBe(503);
  writeFileSync(alone.config.database.passwordFile, right);
  expect((await ask("GET", "/api/kb/list", undefined, { at: alone })).status).toBe(200);
  await alone.stop();
});
