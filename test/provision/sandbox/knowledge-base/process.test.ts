// The server as the sandbox runs it: bundled, as a process of its own, and used by the operator's client.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { bundleKnowledgeBase } from "../../../../provision/sandbox/knowledge-base/bundle.ts";
import { uploadDocument } from "../../../../provision/sandbox/knowledge-base/client.ts";
import { startPostgres, type TestPostgres } from "../../../support/database/postgres.ts";
import { startTestKnowledgeBase, type TestKnowledgeBase } from "../../../support/test-knowledge-base.ts";

let postgres: TestPostgres;
let server: TestKnowledgeBase;
beforeAll(async () => {
  postgres = await startPostgres({ ownServer: "it makes the role and the database agent_data" });
  server = await startTestKnowledgeBase(postgres);
}, 120_000);
afterAll(async () => {
  await server.stop();
  await postgres.stop();
});

const document = { id: "knowledge/dev/added.md", title: "Added", body: "# Điều 1\r\n".repeat(2_000), tags: [] };
const accessTo = (port: number) => ({
  baseUrl: `https://kb.test:${port}/api`,
  caFile: server.caFile,
  apiKeyFile: server.config.apiKeyFile ?? "",
  address: "127.0.0.1",
});

it("runs from its bundle, takes a document, and ends on SIGTERM with exit code 0", async () => {
  const folder = join(server.folder, "bundle");
  await bundleKnowledgeBase(folder);
  const configFile = join(server.folder, "config.json");
  writeFileSync(configFile, JSON.stringify(server.config));
  const child = spawn(process.execPath, [join(folder, "main.mjs"), configFile], { env: {}, stdio: ["ignore", "pipe", "inherit"] });
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  const port = Number(/^\[OK\] knowledge base listens on https:\/\/127\.0\.0\.1:(\d+)\/api$/m.exec(line.toString())?.[1]);

  expect(await uploadDocument(accessTo(port), document)).toMatchObject({ id: document.id, revision: 1, status: "created" });
  expect(await uploadDocument(accessTo(port), document)).toMatchObject({ revision: 2, status: "updated" });

  const ended = once(child, "exit");
  child.kill("SIGTERM");
  expect(await ended).toEqual([0, null]);
});

it("the client says by code what went wrong", async () => {
  const access = accessTo(server.relay.port);
  await expect(uploadDocument(access, { ...document, id: "knowledge/A__b.md" })).rejects.toMatchObject({ code: "KB_ID_INVALID" });
  server.setFault({ status: 200, contentType: "application/json", body: "{}" });
  await expect(uploadDocument(access, document)).rejects.toMatchObject({ code: "KB_ANSWER_INVALID" });
  server.setFault({ status: 403, method: "POST" });
  await expect(uploadDocument(access, document)).rejects.toMatchObject({
    code: "KB_REFUSED",
    facts: { call: "POST /documents", status: 403 },
  });
  server.setFault({ drop: true });
  await expect(uploadDocument(access, document)).rejects.toMatchObject({ code: "KB_UNAVAILABLE" });
  server.setFault({
    status: 200,
    contentType: "application/json",
    method: "GET",
    body: JSON.stringify({ document_id: document.id, content: "other", revision: 3 }),
  });
  await expect(uploadDocument(access, document)).rejects.toMatchObject({ code: "KB_READ_BACK_DIFFERS", facts: { reason: "body" } });
});

it("refuses to start without exactly one argument", async () => {
  const main = new URL("../../../../provision/sandbox/knowledge-base/main.ts", import.meta.url).pathname;
  expect(existsSync(main)).toBe(true);
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", main], { env: {}, stdio: "ignore" });
  expect(await once(child, "exit")).toEqual([2, null]);
});
