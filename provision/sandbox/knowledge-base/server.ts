// The sockets of the knowledge base: reads requests, lets faults happen, writes answers.
import { readFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import type { AddressInfo } from "node:net";
import { toApplicationError, toProxyPage, type Answer } from "./answers.ts";
import { readSecretFile, type KnowledgeBaseServerConfig } from "./config.ts";
import { readFault, type Fault } from "./faults.ts";
import { answer } from "./routes.ts";
import { openStore, type DocumentStore } from "./store.ts";

export interface RunningKnowledgeBase {
  readonly port: number;
  close(): Promise<void>;
}

const requestBytesMax = 50 * 1024 * 1024;

/**
 * Listens at once; PostgreSQL is asked at the first request, and until it answers every call that needs it is a 500, while /health says
 * 200. Production's does the same and then needs a restart; this one goes on by itself once PostgreSQL answers.
 */
export async function startKnowledgeBaseServer(config: KnowledgeBaseServerConfig): Promise<RunningKnowledgeBase> {
  const store = openStore(config.database);
  const onRequest = (request: http.IncomingMessage, response: http.ServerResponse) => {
    void serve(request, response, config, store);
  };
  const server =
    config.tls === null
      ? http.createServer(onRequest)
      : https.createServer(
          { cert: readFileSync(config.tls.certFile), key: readFileSync(config.tls.keyFile), minVersion: "TLSv1.2" },
          onRequest,
        );
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(config.listen.port, config.listen.address, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
      await store.close();
    },
  };
}

async function serve(
  request: http.IncomingMessage,
  response: http.ServerResponse,
  config: KnowledgeBaseServerConfig,
  store: DocumentStore,
): Promise<void> {
  const method = request.method ?? "GET";
  const target = request.url ?? "/";
  try {
    const fault = readFault(config.faultsFile, { method, path: target });
    if (fault !== null && !fault.after) return misbehave(fault, response);
    const body = await readBody(request);
    if (body === null) {
      response.setHeader("Connection", "close");
      return send(response, toProxyPage(413, "Request Entity Too Large"));
    }
    const { "x-api-key": header, "content-type": contentType = "" } = request.headers;
    const key = config.apiKeyFile === null ? null : readSecretFile(config.apiKeyFile);
    const done = await answer(
      { method, target, key: typeof header === "string" ? header : null, contentType, body },
      { prefix: config.prefix, key, store },
    );
    if (fault !== null) return misbehave(fault, response);
    send(response, done);
  } catch (error) {
    // Path only: a query or a body is the client's business and stays out of the journal.
    console.error(`[ERR] ${method} ${target.split("?")[0]}: ${error instanceof Error ? error.message : "unknown error"}`);
    if (!response.headersSent && !response.destroyed)
      send(response, toApplicationError(500, "INTERNAL", "The server could not carry out the request", { error: "see its journal" }));
  }
}

/** null: more than the proxy lets through. */
async function readBody(request: http.IncomingMessage): Promise<Buffer | null> {
  if (Number(request.headers["content-length"] ?? 0) > requestBytesMax) return null;
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > requestBytesMax) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function misbehave(fault: Fault, response: http.ServerResponse): void {
  if ("drop" in fault) response.socket?.destroy();
  else if ("status" in fault) send(response, { status: fault.status, contentType: fault.contentType, body: fault.body });
  // A stall answers nothing and keeps the connection until the client or close() ends it.
}

function send(response: http.ServerResponse, done: Answer): void {
  const bytes = Buffer.from(done.body, "utf8");
  response.writeHead(done.status, {
    "Content-Length": bytes.length,
    ...(done.contentType === null ? {} : { "Content-Type": done.contentType }),
    ...(done.location === undefined ? {} : { Location: done.location }),
  });
  response.end(bytes);
}
