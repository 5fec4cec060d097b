// One HTTPS call to the knowledge base: bounded in time and size, TLS always verified, redirects never followed.
import { readFileSync } from "node:fs";
import https from "node:https";
import { isIP } from "node:net";
import { checkServerIdentity } from "node:tls";
import { kbBytesMax } from "../../core/knowledge-base/document.ts";
import { CutterError } from "../../core/errors.ts";
import type { Secret } from "../../core/host/secret.ts";

export interface TransportOptions {
  readonly baseUrl: string; // https, with the proxy's prefix
  readonly caFile: string | null; // PEM; null: the public CAs
  readonly apiKey: Secret;
  /** Where to connect instead of the base URL's host: a loopback relay. TLS name and Host stay the base URL's. */
  readonly relay: { readonly address: string; readonly port: number } | null;
  readonly timeoutMs: number; // of one call, from connecting to the last byte
  /** Told each time another `slowAfterMs` passed without the whole answer; the call goes on. */
  readonly onSlow?: (slow: SlowCall) => void;
  readonly slowAfterMs?: number; // default 10 s
  readonly signal?: AbortSignal; // ends a call that is under way: a stalled knowledge base must not hold up a stop
}

export interface SlowCall {
  readonly call: string; // `POST /documents`
  readonly sinceMs: number; // since the call was begun
  readonly atMostMs: number; // from its beginning to when it is given up
}

export interface Call {
  readonly method: "GET" | "POST" | "PUT";
  readonly path: string; // below the base URL, without query; shown in errors
  readonly query?: string;
  readonly body?: Buffer; // JSON
}

export interface RawAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly contentEncoding: string;
  readonly date: string | null; // the server's clock, as its header says it
  readonly bytes: Buffer;
}

export interface Transport {
  /** One try. @throws KB_UNAVAILABLE, KB_TLS_REFUSED, KB_ANSWER_INVALID (no HTTP), KB_ANSWER_TOO_LARGE */
  send(call: Call): Promise<RawAnswer>;
  close(): void;
}

/** `POST /documents`: how errors name a call. */
export function toCallName(call: Call): string {
  return `${call.method} ${call.path}`;
}

/** Opens nothing yet. @throws KB_KEY_MALFORMED, KB_TLS_REFUSED when the CA file cannot be read or the base URL is not https */
export function createTransport(options: TransportOptions): Transport {
  const base = new URL(options.baseUrl);
  if (base.protocol !== "https:") throw new CutterError("KB_TLS_REFUSED", { reason: "kb_base_url is not https" });
  if (!/^[\x21-\x7e]+$/.test(options.apiKey.reveal())) throw new CutterError("KB_KEY_MALFORMED", { key: "AGENT_DATA_API_KEY" });
  const hostname = base.hostname.replace(/^\[|\]$/g, "");
  const agent = new https.Agent({
    keepAlive: false, // few calls; a reused connection that just closed would look like a lost answer
    maxCachedSessions: 0, // a resumed session would not show its certificate again
    maxSockets: 4,
    minVersion: "TLSv1.2",
    rejectUnauthorized: true, // said here, so that no environment variable can switch it off
    servername: isIP(hostname) === 0 ? hostname : "",
    checkServerIdentity: (_connectedTo, certificate) => checkServerIdentity(hostname, certificate),
    ...(options.caFile === null ? {} : { ca: readCa(options.caFile) }),
  });
  const target = {
    host: options.relay?.address ?? hostname,
    port: options.relay?.port ?? (base.port === "" ? 443 : Number(base.port)),
    prefix: base.pathname.replace(/\/$/, ""),
    hostHeader: base.host,
  };
  return { send: (call) => sendOnce(call, target, agent, options), close: () => agent.destroy() };
}

interface Target {
  readonly host: string;
  readonly port: number;
  readonly prefix: string;
  readonly hostHeader: string;
}

function sendOnce(call: Call, target: Target, agent: https.Agent, options: TransportOptions): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const request = https.request({
      agent,
      host: target.host,
      port: target.port,
      method: call.method,
      path: `${target.prefix}${call.path}${call.query === undefined ? "" : `?${call.query}`}`,
      headers: {
        Host: target.hostHeader,
        "X-API-Key": options.apiKey.reveal(),
        Accept: "application/json",
        "Accept-Encoding": "identity",
        ...(call.body === undefined ? {} : { "Content-Type": "application/json", "Content-Length": call.body.length }),
      },
    });
    const interrupt = () => fail(new CutterError("KB_UNAVAILABLE", { call: toCallName(call), reason: "interrupted" }));
    const settle = startTimers(call, options, (error) => fail(error));
    const fail = (error: Error) => {
      settle();
      options.signal?.removeEventListener("abort", interrupt);
      request.destroy();
      reject(error instanceof CutterError ? error : toConnectionError(error, call));
    };
    options.signal?.addEventListener("abort", interrupt, { once: true });
    request.on("error", fail);
    request.on("response", (response) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on("error", fail);
      response.on("data", (chunk: Buffer) => {
        bytes += chunk.length;
        chunks.push(chunk);
        if (bytes > kbBytesMax) fail(toTooLarge(call, response.statusCode ?? 0));
      });
      response.on("end", () => {
        settle();
        options.signal?.removeEventListener("abort", interrupt);
        const { "content-type": contentType = "", "content-encoding": contentEncoding = "identity", date = null } = response.headers;
        resolve({ status: response.statusCode ?? 0, contentType, contentEncoding, date, bytes: Buffer.concat(chunks) });
      });
    });
    if (options.signal?.aborted === true) interrupt();
    else request.end(call.body);
  });
}

const slowAfterMs = 10_000;

/** The end of a call's time, and word of it before. Returns what ends both. */
function startTimers(call: Call, options: TransportOptions, fail: (error: CutterError) => void): () => void {
  const beganMs = performance.now();
  const { timeoutMs, onSlow } = options;
  const slow = setInterval(
    () => onSlow?.({ call: toCallName(call), sinceMs: performance.now() - beganMs, atMostMs: timeoutMs }),
    options.slowAfterMs ?? slowAfterMs,
  );
  const end = setTimeout(
    () => fail(new CutterError("KB_UNAVAILABLE", { call: toCallName(call), reason: "no answer in time", timeout_ms: timeoutMs })),
    timeoutMs,
  );
  return () => {
    clearInterval(slow);
    clearTimeout(end);
  };
}

/** A refusal may echo what was sent, once an error, so its status is told as well. */
function toTooLarge(call: Call, status: number): CutterError {
  return new CutterError("KB_ANSWER_TOO_LARGE", { call: toCallName(call), status, bytes_max: kbBytesMax });
}

const networkErrors: readonly string[] = [
  "ECONNREFUSED",
  "ECONNRESET",
  "ECONNABORTED",
  "EPIPE",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "EHOSTDOWN",
  "ENETDOWN",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EACCES",
  "EPERM",
  "EADDRNOTAVAIL",
];

/** The system's error names decide: a name of the network is an outage, one of the HTTP parser a wrong answer, every other one is TLS's. */
function toConnectionError(error: Error, call: Call): CutterError {
  const name = "code" in error && typeof error.code === "string" ? error.code : error.name;
  if (networkErrors.includes(name)) {
    const reason = isOfConnecting(error) ? "no connection" : "connection lost";
    return new CutterError("KB_UNAVAILABLE", { call: toCallName(call), reason, error: name });
  }
  const facts = { call: toCallName(call), reason: name };
  if (name.startsWith("HPE_")) return new CutterError("KB_ANSWER_INVALID", facts);
  return new CutterError("KB_TLS_REFUSED", facts);
}

/** Then nothing was sent. After it, nobody knows what became of the call. Several addresses tried in vain are one error of several. */
function isOfConnecting(error: Error): boolean {
  return error instanceof AggregateError || ("syscall" in error && ["connect", "getaddrinfo"].some((one) => one === error.syscall));
}

function readCa(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new CutterError("KB_TLS_REFUSED", { reason: "the CA file cannot be read", file: path }, { cause: error });
  }
}
