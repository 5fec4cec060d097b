// What the Agent Data adapter does when the knowledge base answers badly: it refuses by code, shows nothing it was told, and never writes
// twice.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import net from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openAgentData } from "../../../../orchestrator/adapters/agent-data/agent-data.ts";
import type { TransportOptions } from "../../../../orchestrator/adapters/agent-data/transport.ts";
import { CutterError } from "../../../../orchestrator/core/errors.ts";
import { Secret } from "../../../../orchestrator/core/host/secret.ts";
import { startScriptedServer, type Script, type ScriptedAnswer, type ScriptedServer } from "../../../support/hosts/scripted-https.ts";
import { makeTlsFiles, type TlsFiles } from "../../../support/hosts/tls-files.ts";
import { toRefusal } from "../../../support/refusal-case.ts";

const key = "k3y-0f-the-test-9d41c2";
const document = { id: "knowledge/dev/a.md", title: "A", body: "Điều 1", tags: ["t"] };

let folder: string;
let tls: TlsFiles;
let server: ScriptedServer;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "cutter-refusals-"));
  tls = makeTlsFiles(folder, "kb.test");
  server = await startScriptedServer(tls);
});
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

const open = (change: Partial<TransportOptions> = {}) =>
  openAgentData({
    baseUrl: "https://kb.test/api",
    caFile: tls.caFile,
    apiKey: new Secret(key),
    relay: { address: "127.0.0.1", port: server.port },
    timeoutMs: 10_000,
    ...change,
  });
const toJson = (value: unknown, status = 200): ScriptedAnswer => ({ status, body: JSON.stringify(value) });
const stored = (change: object = {}) =>
  toJson({ document_id: document.id, content: document.body, metadata: { title: "A" }, revision: 1, ...change });
const written = (change: object = {}) => toJson({ id: document.id, status: "created", revision: 1, ...change });
const missing = toJson({ code: "NOT_FOUND", message: "m", details: {}, source: "s", request_id: "r" }, 404);
const readAfter = (script: Script) => {
  server.answerWith(script);
  return open().read(document.id);
};
const writeAfter = (script: Script, options: Partial<TransportOptions> = {}) => {
  server.answerWith(script);
  return open(options).write(document);
};
const methods = () => server.requests.map((request) => request.method);

it(
  "speaks the API: whole document by /kb/get, upsert with parent, key and Host, under the TLS name of the base URL though " +
    "it connects to the relay",
  async () => {
    expect(await readAfter(() => stored())).toMatchObject({ body: document.body, revision: 1, title: "A" });
    expect(server.requests[0]).toMatchObject({
      method: "GET",
      url: "/api/kb/get/knowledge/dev/a.md",
      serverName: "kb.test",
      headers: { host: "kb.test", "x-api-key": key },
    });
    expect(await writeAfter(() => written())).toEqual({ id: document.id, revision: 1, status: "created" });
    expect(server.requests[0]).toMatchObject({
      method: "POST",
      url: "/api/documents?upsert=true",
      headers: { "content-type": "application/json" },
    });
    expect(JSON.parse(server.requests[0]?.body ?? "")).toEqual({
      document_id: document.id,
      parent_id: "knowledge/dev",
      content: { mime_type: "text/markdown", body: document.body },
      metadata: { title: "A", tags: ["t"], source: "cutter" },
    });
  },
);

it("tells the server's clock as its last answer said it, and none before any answer", async () => {
  const hourAgo = new Date(Date.now() - 3_600_000);
  server.answerWith(() => ({ ...stored(), headers: { "content-type": "application/json", date: hourAgo.toUTCString() } }));
  const knowledgeBase = open();
  expect(await knowledgeBase.readDate?.()).toBe(null);
  await knowledgeBase.read(document.id);
  const told = await knowledgeBase.readDate?.();
  expect(Math.abs((told?.getTime() ?? 0) - hourAgo.getTime())).toBeLessThan(10_000);
});

describe("answers", () => {
  const refusals: readonly (readonly [string, ScriptedAnswer, string])[] = [
    ["a page instead of JSON", { headers: { "Content-Type": "text/html" }, body: "<html>login</html>" }, "KB_ANSWER_INVALID"],
    ["JSON under another type", { ...stored(), headers: { "Content-Type": "text/plain" } }, "KB_ANSWER_INVALID"],
    ["half of a JSON text", { body: '{"document_id": "kn' }, "KB_ANSWER_INVALID"],
    ["bytes that are not UTF-8", { body: Buffer.from([0x22, 0xff, 0x22]) }, "KB_ANSWER_INVALID"],
    [
      "a compressed answer nobody asked for",
      { ...stored(), headers: { "Content-Type": "application/json", "Content-Encoding": "gzip" } },
      "KB_ANSWER_INVALID",
    ],
    [
      "a lone surrogate in the body",
      { body: JSON.stringify({ document_id: document.id, content: "\ud800", metadata: {}, revision: 1 }) },
      "KB_ANSWER_INVALID",
    ],
    ["no content", stored({ content: undefined }), "KB_ANSWER_INVALID"],
    ["revision 0", stored({ revision: 0 }), "KB_ANSWER_INVALID"],
    ["a revision that is no integer", stored({ revision: 1.5 }), "KB_ANSWER_INVALID"],
    ["another document", stored({ document_id: "knowledge/dev/b.md" }), "KB_READ_BACK_DIFFERS reason=document"],
    ["201", { ...stored(), status: 201 }, "KB_ANSWER_INVALID"],
    ["an unknown route", toJson({ detail: "Not Found" }, 404), "KB_ANSWER_INVALID"],
    ["a proxy's 404 page", { status: 404, headers: { "Content-Type": "text/html" }, body: "<html>" }, "KB_ANSWER_INVALID"],
    ["422", toJson({ detail: [] }, 422), "KB_REFUSED"],
    ["400", toJson({ code: "INVALID_ARGUMENT" }, 400), "KB_REFUSED"],
    [
      "the proxy's page for a body that is too large",
      { status: 413, headers: { "Content-Type": "text/html" }, body: "<html>" },
      "KB_REFUSED",
    ],
    ["409", toJson({ code: "CONFLICT" }, 409), "KB_REFUSED"],
    ["more than 50 MB", { body: Buffer.alloc(1024 * 1024, 0x20), repeatBody: 51 }, "KB_ANSWER_TOO_LARGE"],
  ];
  it.each(refusals)("refuses %s", async (_what, answer, code) => {
    await expect(readAfter(() => answer)).rejects.toMatchObject({
      ...toRefusal(code),
      facts: { ...toRefusal(code).facts, call: "GET /kb/get/knowledge/dev/a.md" },
    });
    expect(server.requests).toHaveLength(1);
  });

  it.each([301, 302, 307, 308])("does not follow a %i, so that the key goes nowhere else", async (status) => {
    const location = `https://kb.test:${server.port}/elsewhere`;
    await expect(readAfter(() => ({ status, headers: { Location: location } }))).rejects.toMatchObject({
      code: "KB_ANSWER_INVALID",
      facts: { reason: "redirect" },
    });
    await expect(writeAfter(() => ({ status, headers: { Location: location } }))).rejects.toMatchObject({
      code: "KB_ANSWER_INVALID",
      facts: { reason: "redirect" },
    });
    expect(methods()).toEqual(["POST"]);
  });

  it.each([401, 403])("names the key and the call on %i, also when the body is empty", async (status) => {
    await expect(readAfter(() => ({ status, headers: { "Content-Type": "text/plain" }, body: "\n" }))).rejects.toMatchObject({
      code: "KB_KEY_REFUSED",
      facts: { key: "AGENT_DATA_API_KEY", call: "GET /kb/get/knowledge/dev/a.md", status },
    });
    const failed = writeAfter(() => toJson({ code: "UNAUTHORIZED" }, status));
    await expect(failed).rejects.toMatchObject({
      code: "KB_KEY_REFUSED",
      facts: { key: "AGENT_DATA_API_KEY", call: "POST /documents", status },
    });
    await expect(failed).rejects.toThrow("key=AGENT_DATA_API_KEY");
  });

  it("reads null only when the application itself says that the document is missing", async () => {
    expect(await readAfter(() => missing)).toBeNull();
  });

  it("shows neither an echoed key nor an escape, whatever the answer holds", async () => {
    const evil = `${key}\u001b[2J\u202e`;
    const answers: readonly ScriptedAnswer[] = [
      toJson({ code: evil, message: evil }, 409),
      toJson({ code: evil }, 401),
      toJson({ code: evil }, 500),
      stored({ document_id: evil }),
      stored({ revision: evil }),
      { headers: { "Content-Type": evil.replaceAll(/[^\x20-\x7e]/g, "") }, body: evil },
      { status: 302, headers: { Location: `https://${key}/` } },
    ];
    for (const answer of answers) {
      const error: unknown = await readAfter(() => answer).catch((caught: unknown) => caught);
      expect(error).toBeInstanceOf(CutterError);
      const printed = `${String(error)}${JSON.stringify(error)}${error instanceof Error ? error.stack : ""}`;
      expect(printed).not.toContain(key);
      for (const character of ["\u001b", "\u202e"]) expect(printed).not.toContain(character);
    }
  });

  it("refuses a list of other documents or with another count", async () => {
    server.answerWith(() => toJson({ items: [{ document_id: "knowledge/ops/x.md", title: "X", revision: 1 }], count: 1 }));
    await expect(open().list("knowledge/dev/")).rejects.toMatchObject({ code: "KB_READ_BACK_DIFFERS", facts: { reason: "document" } });
    server.answerWith(() => toJson({ items: [], count: 1 }));
    await expect(open().list("knowledge/dev/")).rejects.toMatchObject({ code: "KB_ANSWER_INVALID" });
  });

  it("skips rows of a listing that are no document, and names what it can", async () => {
    const items = [null, 5, {}, { document_id: 5 }, { document_id: "knowledge/dev/a.md", revision: 2 }, { document_id: "knowledge/dev/b" }];
    server.answerWith(() => toJson({ items, count: items.length }));
    expect(await open().list("knowledge/dev/")).toEqual({
      documents: [{ id: "knowledge/dev/a.md", revision: 2, title: "" }],
      skipped: [
        ...Array.from({ length: 4 }, () => ({ id: "", why: "it has no id" })),
        { id: "knowledge/dev/b", why: "its id is none that this program can name" },
      ],
    });
  });
});

describe("an outage", () => {
  const outages: readonly (readonly [string, ScriptedAnswer | "drop"])[] = [
    ["500", toJson({ code: "INTERNAL" }, 500)],
    ["a proxy's 502 page", { status: 502, headers: { "Content-Type": "text/html" }, body: "<html>" }],
    ["503", { status: 503 }],
    ["429", { status: 429 }],
    ["a cut connection", "drop"],
  ];
  it.each(outages)("%s: a read is tried three times, then KB_UNAVAILABLE with exit 11", async (_what, answer) => {
    await expect(readAfter(() => answer)).rejects.toMatchObject({ code: "KB_UNAVAILABLE", exitCode: 11 });
    expect(server.requests).toHaveLength(3);
  });

  it("a read that fails twice and then succeeds is a success", async () => {
    expect(await readAfter(() => (server.requests.length < 3 ? "drop" : stored()))).toMatchObject({ revision: 1 });
  });

  it("a server that never answers is given up after the timeout", async () => {
    server.answerWith(() => "stall");
    await expect(open({ timeoutMs: 30 }).read(document.id)).rejects.toMatchObject({
      code: "KB_UNAVAILABLE",
      facts: { reason: "no answer in time", timeout_ms: 30 },
    });
  });

  it("a server that stops in the middle of its answer is an outage", async () => {
    const half = { headers: { "Content-Type": "application/json", "Content-Length": "1000" }, body: "{" };
    server.answerWith(() => half);
    await expect(open({ timeoutMs: 100 }).read(document.id)).rejects.toMatchObject({ code: "KB_UNAVAILABLE" });
  });

  it("a refused connection and a name that does not resolve are outages", async () => {
    const closedPort = await freePort();
    await expect(open({ relay: { address: "127.0.0.1", port: closedPort } }).read(document.id)).rejects.toMatchObject({
      code: "KB_UNAVAILABLE",
      facts: { reason: "no connection", error: "ECONNREFUSED" },
    });
    await expect(open({ relay: null, baseUrl: "https://kb.invalid/api" }).read(document.id)).rejects.toMatchObject({
      code: "KB_UNAVAILABLE",
      facts: { reason: "no connection" },
    });
  });

  it.each<readonly [string, ScriptedAnswer | "drop" | "stall"]>([
    ["500 after storing", { status: 500 }],
    ["a cut connection after storing", "drop"],
    ["silence after storing", "stall"],
  ])("%s: the write is read back and not repeated", async (_what, answer) => {
    expect(await writeAfter(({ method }) => (method === "POST" ? answer : stored({ revision: 4 })), { timeoutMs: 300 })).toEqual({
      id: document.id,
      revision: 4,
      status: "updated",
    });
    expect(methods()).toEqual(["POST", "GET"]);
  });

  it.each<readonly [string, ScriptedAnswer | "drop"]>([
    ["nothing stands there", missing],
    ["the old body stands there", stored({ content: "old" })],
    ["reading fails too", "drop"],
  ])("a lost write stays KB_UNAVAILABLE when %s, and is not repeated", async (_what, answer) => {
    await expect(writeAfter(({ method }) => (method === "POST" ? "drop" : answer))).rejects.toMatchObject({ code: "KB_UNAVAILABLE" });
    expect(methods()).toEqual(["POST", "GET"]);
  });
});

describe("the answer to a write", () => {
  it.each([
    ["another id", { id: "knowledge/dev/b.md" }, "KB_READ_BACK_DIFFERS reason=document"],
    ["created at revision 2", { revision: 2 }, "KB_READ_BACK_DIFFERS reason=revision"],
    ["updated at revision 1", { status: "updated" }, "KB_READ_BACK_DIFFERS reason=revision"],
    ["another status", { status: "queued" }, "KB_ANSWER_INVALID"],
    ["no revision", { revision: undefined }, "KB_ANSWER_INVALID"],
  ])("is refused with %s, and nothing is sent again", async (_what, change, code) => {
    await expect(writeAfter(() => written(change))).rejects.toMatchObject(toRefusal(code));
    expect(methods()).toEqual(["POST"]);
  });

  it("is refused when it says that there is no such document", async () => {
    await expect(writeAfter(() => missing)).rejects.toMatchObject({ code: "KB_REFUSED" });
  });
});

describe("TLS", () => {
  it("refuses a certificate of another CA", async () => {
    const other = makeTlsFiles(folder, "kb.test", "other");
    server.answerWith(() => stored());
    await expect(open({ caFile: other.caFile }).read(document.id)).rejects.toMatchObject({ code: "KB_TLS_REFUSED", exitCode: 10 });
    expect(server.requests).toHaveLength(0);
  });

  it("refuses it also when the environment says that certificates need not be checked", async () => {
    const before = process.env["NODE_TLS_REJECT_UNAUTHORIZED"];
    process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = "0";
    try {
      await expect(open({ caFile: null }).read(document.id)).rejects.toMatchObject({ code: "KB_TLS_REFUSED" });
    } finally {
      if (before === undefined) delete process.env["NODE_TLS_REJECT_UNAUTHORIZED"];
      else process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = before;
    }
  });

  it("refuses a certificate for another name, also for the relay's own address", async () => {
    await expect(open({ baseUrl: "https://other.test/api" }).read(document.id)).rejects.toMatchObject({
      code: "KB_TLS_REFUSED",
      facts: { reason: "ERR_TLS_CERT_ALTNAME_INVALID" },
    });
    await expect(open({ baseUrl: "https://127.0.0.1/api" }).read(document.id)).rejects.toMatchObject({ code: "KB_TLS_REFUSED" });
    const relayNamed = makeTlsFiles(folder, "localhost", "relay");
    const relayServer = await startScriptedServer(relayNamed);
    await expect(
      open({ caFile: relayNamed.caFile, relay: { address: "localhost", port: relayServer.port } }).read(document.id),
    ).rejects.toMatchObject({ code: "KB_TLS_REFUSED" });
    await relayServer.stop();
  });

  it("refuses a server without TLS", async () => {
    const plain = net.createServer((socket) => socket.on("error", () => undefined).end("HTTP/1.1 200 OK\r\n\r\n"));
    await new Promise<void>((resolve) => plain.listen(0, "127.0.0.1", resolve));
    const address = plain.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    await expect(open({ relay: { address: "127.0.0.1", port } }).read(document.id)).rejects.toMatchObject({ code: "KB_TLS_REFUSED" });
    plain.close();
  });

  it("calls it no answer when the proven server speaks something else than HTTP", async () => {
    const other = createTlsServer({ cert: readFileSync(tls.certFile), key: readFileSync(tls.keyFile) }, (socket) =>
      socket.on("error", () => undefined).end("220 mail.test ESMTP\r\n"),
    );
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const address = other.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    await expect(open({ relay: { address: "127.0.0.1", port } }).read(document.id)).rejects.toMatchObject({ code: "KB_ANSWER_INVALID" });
    other.close();
  });

  it.each([
    ["a base URL without TLS", { baseUrl: "http://kb.test/api" }, "KB_TLS_REFUSED"],
    ["a CA file that is not there", { caFile: "/nonexistent/ca.pem" }, "KB_TLS_REFUSED"],
    ["an empty key", { apiKey: new Secret("") }, "KB_KEY_MALFORMED"],
    ["a key with a newline", { apiKey: new Secret("a\r\nX: y") }, "KB_KEY_MALFORMED"],
  ])("does not even open with %s", (_what, change, code) => {
    expect(() => open(change)).toThrow(expect.objectContaining({ code }));
  });
});

async function freePort(): Promise<number> {
  const probe = net.createServer();
  await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}
