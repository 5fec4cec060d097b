// Writing at a revision: the API's patch, sent once and read back, because its lock holds in one process of the server only.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openAgentData } from "../../../../orchestrator/adapters/agent-data/agent-data.ts";
import type { SlowCall, TransportOptions } from "../../../../orchestrator/adapters/agent-data/transport.ts";
import { Secret } from "../../../../orchestrator/core/host/secret.ts";
import { startScriptedServer, type Script, type ScriptedAnswer, type ScriptedServer } from "../../../support/hosts/scripted-https.ts";
import { makeTlsFiles, type TlsFiles } from "../../../support/hosts/tls-files.ts";

const document = { id: "knowledge/dev/a.md", title: "A", body: "Điều 1", tags: ["t"] };

let folder: string;
let tls: TlsFiles;
let server: ScriptedServer;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "cutter-write-at-"));
  tls = makeTlsFiles(folder, "kb.test");
  server = await startScriptedServer(tls);
});
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

const toJson = (value: unknown, status = 200): ScriptedAnswer => ({ status, body: JSON.stringify(value) });
const written = (revision: number, change: object = {}) => toJson({ id: document.id, status: "updated", revision, ...change });
const stored = (revision: number, content = document.body) =>
  toJson({ document_id: document.id, content, metadata: { title: "A" }, revision });
const missing = toJson({ code: "NOT_FOUND", message: "m", details: {}, source: "s", request_id: "r" }, 404);
const methods = () => server.requests.map(({ method }) => method);
const writeAt = (revision: number, script: Script, change: Partial<TransportOptions> = {}) => {
  server.answerWith(script);
  const knowledgeBase = openAgentData({
    baseUrl: "https://kb.test/api",
    caFile: tls.caFile,
    apiKey: new Secret("k"),
    relay: { address: "127.0.0.1", port: server.port },
    timeoutMs: 10_000,
    ...change,
  });
  return knowledgeBase.writeAt(document, revision);
};
/** One answer to the write, one to every read. */
const toScript =
  (write: ReturnType<Script>, read: ReturnType<Script>): Script =>
  ({ method }) =>
    method === "GET" ? read : write;

it("patches content and metadata at the last known revision, and reads the document back", async () => {
  expect(await writeAt(4, toScript(written(5), stored(5)))).toEqual({ id: document.id, revision: 5, status: "updated" });
  expect(server.requests.map(({ method, url }) => `${method} ${url}`)).toEqual([
    "PUT /api/documents/knowledge/dev/a.md",
    "GET /api/kb/get/knowledge/dev/a.md",
  ]);
  expect(JSON.parse(server.requests[0]?.body ?? "")).toEqual({
    document_id: document.id,
    patch: {
      content: { mime_type: "text/markdown", body: document.body },
      metadata: { title: "A", tags: ["t"], source: "cutter" },
    },
    update_mask: ["content", "metadata"],
    last_known_revision: 4,
  });
});

it("creates without upsert, with the parent, and reads the document back", async () => {
  const created = toJson({ id: document.id, status: "created", revision: 1 });
  expect(await writeAt(0, toScript(created, stored(1)))).toEqual({ id: document.id, revision: 1, status: "created" });
  expect(server.requests[0]).toMatchObject({ method: "POST", url: "/api/documents?upsert=false" });
  expect(JSON.parse(server.requests[0]?.body ?? "")).toMatchObject({ parent_id: "knowledge/dev", content: { body: document.body } });
});

it.each<readonly [string, ScriptedAnswer, ScriptedAnswer]>([
  ["it stands at another revision", toJson({ code: "CONFLICT" }, 409), stored(7)],
  ["there is no such document", missing, missing],
  ["another writer's body stands at the same revision, though both were told 200", written(5), stored(5, "theirs")],
  ["it was deleted before, though the patch was told 200", written(5), missing],
])("is null when %s", async (_what, write, read) => {
  expect(await writeAt(4, toScript(write, read))).toBeNull();
});

it("has written when somebody else's later revision stands there already", async () => {
  expect(await writeAt(4, toScript(written(5), stored(6, "theirs")))).toMatchObject({ revision: 5 });
});

it.each<readonly [string, ReturnType<Script>]>([
  ["silence", "stall"],
  ["a cut connection", "drop"],
  ["500", { status: 500 }],
])("%s after the write was stored: it is read back and not sent again", async (_what, answer) => {
  expect(await writeAt(4, toScript(answer, stored(5)), { timeoutMs: 300 })).toMatchObject({ revision: 5, status: "updated" });
  expect(methods().filter((method) => method === "PUT")).toHaveLength(1);
});

it.each<readonly [string, ReturnType<Script>, string]>([
  ["what stood there", stored(4, "old"), "connection lost"],
  ["our body at a revision that this write does not make", stored(9), "connection lost"],
  ["nothing that can be read", "drop", "connection lost"],
])("a lost write stays unknown while there stands %s, and what was lost is told", async (_what, read, reason) => {
  await expect(writeAt(4, toScript("drop", read))).rejects.toMatchObject({
    code: "KB_UNAVAILABLE",
    facts: { call: "PUT /documents/knowledge/dev/a.md", reason, error: "ECONNRESET" },
  });
  expect(methods().filter((method) => method === "PUT")).toHaveLength(1);
});

it.each([
  ["another revision than the next", written(9), "revision"],
  ["another document", written(5, { id: "knowledge/dev/b.md" }), "document"],
])("refuses an answer that names %s", async (_what, answer, reason) => {
  await expect(writeAt(4, toScript(answer, stored(5)))).rejects.toMatchObject({ code: "KB_READ_BACK_DIFFERS", facts: { reason } });
});

it("says while it waits for an answer which call it is, for how long, and when it is given up", async () => {
  const told: SlowCall[] = [];
  const options = { timeoutMs: 300, slowAfterMs: 60, onSlow: (slow: SlowCall) => told.push(slow) };
  await expect(writeAt(4, toScript("stall", missing), options)).rejects.toMatchObject({
    code: "KB_UNAVAILABLE",
    facts: { reason: "no answer in time", timeout_ms: 300 },
  });
  expect(told.length).toBeGreaterThan(1);
  expect(told[0]).toMatchObject({ call: "PUT /documents/knowledge/dev/a.md", atMostMs: 300 });
  expect(told.every(({ sinceMs }, index) => sinceMs > (told[index - 1]?.sinceMs ?? 0) && sinceMs < 400)).toBe(true);
});

it.each([401, 403])("%i on this write names the key and the call", async (status) => {
  await expect(writeAt(4, toScript({ status, headers: { "Content-Type": "text/html" }, body: "<html>" }, missing))).rejects.toMatchObject({
    code: "KB_KEY_REFUSED",
    facts: { key: "AGENT_DATA_API_KEY", call: "PUT /documents/knowledge/dev/a.md", status },
  });
});
