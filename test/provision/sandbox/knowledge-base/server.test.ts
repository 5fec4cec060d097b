// What the recorded exchanges do not hold of the sandbox's knowledge base: limits, its rows, its lock, two processes, faults on demand.
import { readFileSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import https from "node:https";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { startPostgres, type TestPostgres } from "../../../support/database/postgres.ts";
import { startTestKnowledgeBase, whileRowIsHeld, type TestKnowledgeBase } from "../../../support/test-knowledge-base.ts";

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
  it("answers 403 when the server itself has no key, and still none is asked for on /health", async () => {
    expect((await ask("POST", "/api/documents", toDocument(newId(), "b"), { at: withoutKey })).status).toBe(403);
    expect((await ask("GET", "/api/kb/list", undefined, { at: withoutKey })).status).toBe(403);
    expect((await ask("GET", "/api/health", undefined, { at: withoutKey })).status).toBe(200);
  });
});

describe("writing", () => {
  it("keeps a deleted document's row, also patched, and counts its revisions", async () => {
    const id = newId();
    await upsert(id, "one");
    await upsert(id, "two");
    await ask("DELETE", `/api/documents/${id}`);
    const patch = { document_id: id, patch: { content: { mime_type: "text/markdown", body: "three" } }, update_mask: ["content"] };
    expect((await ask("PUT", `/api/documents/${id}`, { ...patch, last_known_revision: 3 })).json).toMatchObject({ revision: 4 });
    const admin = await postgres.connect("workflow_admin", { database: "agent_data" });
    const { rows } = await admin.query(
      "select data, deleted_at is not null as deleted from public.kb_document where data ->> 'document_id' = $1",
      [id],
    );
    await admin.end();
    expect(rows).toEqual([{ data: expect.objectContaining({ revision: 4, content: patch.patch.content }), deleted: true }]);
  });

  it("echoes in each place of a 422 what the request held there", async () => {
    const reply = await ask(
      "POST",
      "/api/documents?upsert=perhaps",
      toDocument("a.md", "b", { parent_id: undefined, created_at: "never" }),
    );
    expect((reply.json["detail"] as { readonly input: unknown }[]).map(({ input }) => input)).toEqual([
      "perhaps",
      expect.objectContaining({ document_id: "a.md", created_at: "never" }),
      "never",
    ]);
  });

  it("echoes a large body in its refusal of it", async () => {
    const body = "x".repeat(4_000_000);
    const reply = await ask("POST", "/api/documents?upsert=true", { ...toDocument("a.md", body), metadata: undefined });
    expect([reply.status, reply.text.length > body.length]).toEqual([422, true]);
  });

  it("lets two of two processes win at one revision, and one of two in one process", async () => {
    const beside = await startTestKnowledgeBase(postgres);
    const put = (id: string, body: string, at: TestKnowledgeBase) =>
      ask(
        "PUT",
        `/api/documents/${id}`,
        { document_id: id, patch: { content: { mime_type: "text/markdown", body } }, update_mask: ["content"], last_known_revision: 1 },
        { at },
      );
    const alone = newId();
    await upsert(alone, "0");
    const inOne = await Promise.all([put(alone, "1", server), put(alone, "2", server)]);
    expect(inOne.map(({ status }) => status).sort()).toEqual([200, 409]);
    const shared = newId();
    await upsert(shared, "0");
    const inTwo = await whileRowIsHeld(postgres, shared, 2, () => Promise.all([put(shared, "1", server), put(shared, "2", beside)]));
    expect(inTwo.map(({ status, json }) => [status, json["revision"]])).toEqual([
      [200, 2],
      [200, 2],
    ]);
    expect((await ask("GET", `/api/kb/get/${shared}`)).json).toMatchObject({ revision: 2 });
    await beside.stop();
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
  it("lists everything at once, also rows of older versions as they are", async () => {
    const folder = "knowledge/ops/list";
    await upsert(`${folder}/b.md`, "b");
    const admin = await postgres.connect("workflow_admin", { database: "agent_data" });
    await admin.query("insert into public.kb_document (key, data, updated_at) values ('knowledge__ops__list__X', $1, now())", [
      { document_id: `${folder}/X`, parent_id: folder, content: { mime_type: "text/markdown", body: "" }, metadata: null },
    ]);
    await admin.query(
      "insert into public.kb_document select key || number, data || jsonb_build_object('document_id', data ->> 'document_id' || number), " +
        "null, now() from public.kb_document, generate_series(1, 2000) number where data ->> 'document_id' = $1",
      [`${folder}/b.md`],
    );
    await admin.end();
    const { json } = await ask("GET", `/api/kb/list?prefix=${folder}/`);
    expect(json["count"]).toBe(2_002);
    expect((json["items"] as unknown[])[0]).toEqual({ document_id: `${folder}/X`, parent_id: folder, title: "", tags: [] });
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

  it("answers 500 to everything when the fault is misspelled, so that no test passes by it", async () => {
    server.setFault({ stal: true });
    expect((await ask("GET", "/api/health")).status).toBe(500);
  });
});

it("answers 500 while PostgreSQL does not let it in, 200 on /health all the same, and works as soon as it does", async () => {
  const alone = await startTestKnowledgeBase(postgres);
  const right = readFileSync(alone.config.database.passwordFile);
  writeFileSync(alone.config.database.passwordFile, "wrong\n");
  expect((await ask("GET", "/api/kb/list", undefined, { at: alone })).status).toBe(500);
  expect((await ask("GET", "/api/health", undefined, { at: alone })).status).toBe(200);
  writeFileSync(alone.config.database.passwordFile, right);
  expect((await ask("GET", "/api/kb/list", undefined, { at: alone })).status).toBe(200);
  await alone.stop();
});
