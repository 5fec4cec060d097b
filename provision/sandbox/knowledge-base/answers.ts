// What the server and the proxy before it answer: values, so that routes stay free of streams.
import { randomUUID } from "node:crypto";

export interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

/** One entry of a 422, in the shape production's framework gives. */
export interface ValidationDetail {
  readonly type: string;
  readonly loc: readonly (string | number)[];
  readonly msg: string;
}

export const toJson = (status: number, value: unknown): Answer => ({
  status,
  contentType: "application/json",
  body: JSON.stringify(value),
});

/** An error of the application itself. */
export const toApplicationError = (
  status: number,
  code: string,
  message: string,
  details: Readonly<Record<string, unknown>> = {},
): Answer => toJson(status, { code, message, details, source: "agent-data", request_id: randomUUID() });

export const toValidationError = (detail: readonly ValidationDetail[]): Answer => toJson(422, { detail });

/** An error of the framework: no such route, no such method. */
export const toFrameworkError = (status: number, detail: string): Answer => toJson(status, { detail });

/** A page of the reverse proxy, which knows nothing of JSON. */
export const toProxyPage = (status: number, title: string): Answer => ({
  status,
  contentType: "text/html",
  body:
    `<html>\r\n<head><title>${status} ${title}</title></head>\r\n<body>\r\n<center><h1>${status} ` +
    `${title}</h1></center>\r\n</body>\r\n</html>\r\n`,
});

/** The proxy's own key check answers with next to nothing. */
export const proxyKeyRefusal: Answer = { status: 401, contentType: "text/plain", body: "\n" };
