// A server under the name kb.test that answers as told, rightly or badly; it remembers what was asked.
import https from "node:https";
import { readFileSync } from "node:fs";
import assert from "node:assert/strict";
import type { IncomingHttpHeaders } from "node:http";
import type { TlsFiles } from "./tls-files.ts";

export interface ScriptedAnswer {
  readonly status?: number; // default 200
  readonly headers?: Readonly<Record<string, string>>; // default: JSON
  readonly body?: string | Buffer;
  readonly repeatBody?: number; // the body so many times, written without waiting
}

interface ScriptedRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly serverName: string | false | null | undefined; // what TLS was asked for
  readonly body: string;
}

export type Script = (request: ScriptedRequest) => ScriptedAnswer | "stall" | "drop";

export interface ScriptedServer {
  readonly port: number;
  readonly requests: readonly ScriptedRequest[];
  answerWith(script: Script): void;
  stop(): Promise<void>;
}

export async function startScriptedServer(tls: TlsFiles): Promise<ScriptedServer> {
  let script: Script = () => "drop";
  const requests: ScriptedRequest[] = [];
  const server = https.createServer({ cert: readFileSync(tls.certFile), key: readFileSync(tls.keyFile) }, (request, response) => {
    const chunks: Buffer[] = [];
    request.on("error", () => undefined);
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { servername } = request.socket as unknown as { readonly servername?: string | false | null };
      const asked = {
        method: request.method ?? "",
        url: request.url ?? "",
        headers: request.headers,
        serverName: servername,
        body: Buffer.concat(chunks).toString("utf8"),
      };
      requests.push(asked);
      const answer = script(asked);
      if (answer === "drop") return void request.socket.destroy();
      if (answer === "stall") return;
      response.on("error", () => undefined);
      response.writeHead(answer.status ?? 200, answer.headers ?? { "Content-Type": "application/json" });
      for (let count = 0; count < (answer.repeatBody ?? 1); count += 1) response.write(answer.body ?? "");
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  assert(address !== null && typeof address === "object");
  return {
    port: address.port,
    requests,
    answerWith: (next) => {
      requests.length = 0;
      script = next;
    },
    stop: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}
