// The sandbox's knowledge base against what a real server of the API answered: status, type, keys and values of each recorded exchange.
import { readFileSync } from "node:fs";
import https from "node:https";
import { afterAll, beforeAll, expect, it } from "vitest";
import { readExchangeCases, toDifferences, type ExchangeCase, type Reply } from "../../../support/agent-data-exchanges.ts";
import { startPostgres, type TestPostgres } from "../../../support/database/postgres.ts";
import { startTestKnowledgeBase, type TestKnowledgeBase } from "../../../support/test-knowledge-base.ts";

let postgres: TestPostgres;
let server: TestKnowledgeBase;
let agent: https.Agent;
beforeAll(async () => {
  postgres = await startPostgres({ ownServer: "it makes the role and the database agent_data" });
  server = await startTestKnowledgeBase(postgres);
  agent = new https.Agent({ keepAlive: true, servername: "kb.test", ca: readFileSync(server.caFile) });
}, 120_000);
afterAll(async () => {
  agent.destroy();
  await server.stop();
  await postgres.stop();
});

function send({ method, path, key, contentType, body }: ExchangeCase["exchanges"][number]): Promise<Reply> {
  const headers = {
    Host: "kb.test",
    ...(key === null ? {} : { "X-API-Key": key === "right" ? server.apiKey : key }),
    ...(body === null ? {} : { "Content-Type": contentType, "Content-Length": body.length }),
  };
  return new Promise((resolve, reject) => {
    const request = https.request({ agent, host: server.relay.address, port: server.relay.port, method, path, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => {
        const bytes = Buffer.concat(chunks);
        const type = response.headers["content-type"] ?? "";
        const isJson = type === "application/json" && bytes.length > 0;
        const answer = isJson ? (JSON.parse(bytes.toString("utf8")) as unknown) : bytes.length;
        resolve({ status: response.statusCode ?? 0, contentType: type, answer });
      });
    });
    request.on("error", reject);
    request.end(body ?? undefined);
  });
}

const cases = readExchangeCases();

it("the recording is whole", () => {
  expect([cases.length, cases.flatMap(({ exchanges }) => exchanges).length]).toEqual([106, 196]);
});

it.each(cases)("answers as the real server did: $name", async ({ exchanges }) => {
  for (const exchange of exchanges) {
    const found = await send(exchange);
    expect(toDifferences(exchange.expected, found, `${exchange.method} ${exchange.path}`)).toEqual([]);
  }
});

it("another status, type, key or value is a difference", () => {
  const expected = { status: 200, contentType: "application/json", answer: { id: "a", message: "<string>", items: [1, 2] } };
  const found = { status: 201, contentType: "text/html", answer: { message: null, items: [1, 3], more: 1 } };
  expect(toDifferences(expected, expected)).toEqual([]);
  expect(toDifferences(expected, found).map((line) => line.split(" is ")[0])).toEqual([
    "answer.status",
    "answer.contentType",
    "answer.answer.id",
    "answer.answer.message",
    "answer.answer.items.1",
    "answer.answer.more",
  ]);
});
