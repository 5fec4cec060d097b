// The port's contract, on the Agent Data adapter with a real server and PostgreSQL, and on the directory adapter with real files.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe } from "vitest";
import { openAgentData } from "../../../../orchestrator/adapters/agent-data/agent-data.ts";
import { openDirectoryKb } from "../../../support/worlds/directory-kb.ts";
import { nodeFiles } from "../../../../orchestrator/adapters/node-files/node-files.ts";
import { Secret } from "../../../../orchestrator/core/host/secret.ts";
import type { KnowledgeBase } from "../../../../orchestrator/ports/knowledge-base.ts";
import { startPostgres, type TestPostgres } from "../../../support/database/postgres.ts";
import { startTestKnowledgeBase, type TestKnowledgeBase } from "../../../support/test-knowledge-base.ts";
import { itKeepsTheKnowledgeBaseContract } from "./contract.ts";

describe("agent-data over HTTPS, through a relay, on PostgreSQL", () => {
  let postgres: TestPostgres;
  let server: TestKnowledgeBase;
  let knowledgeBase: KnowledgeBase;
  beforeAll(async () => {
    postgres = await startPostgres({ ownServer: "it makes the role and the database agent_data" });
    server = await startTestKnowledgeBase(postgres);
    knowledgeBase = openAgentData({
      baseUrl: server.baseUrl,
      caFile: server.caFile,
      apiKey: new Secret(server.apiKey),
      relay: server.relay,
      timeoutMs: 30_000,
    });
  }, 120_000);
  afterAll(async () => {
    await knowledgeBase.close();
    await server.stop();
    await postgres.stop();
  });
  itKeepsTheKnowledgeBaseContract(() => knowledgeBase);
});

describe("a directory", () => {
  let root: string;
  let knowledgeBase: KnowledgeBase;
  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), "cutter-directory-kb-"));
    knowledgeBase = openDirectoryKb({ root, files: nodeFiles });
  });
  afterAll(() => rmSync(root, { recursive: true, force: true }));
  itKeepsTheKnowledgeBaseContract(() => knowledgeBase);
});
