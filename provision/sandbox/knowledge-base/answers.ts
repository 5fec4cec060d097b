// What the server and the proxy before it answer: values, so that routes stay free of streams.
import { randomUUID } from "node:crypto";

export interface Answer {
  readonly status: number;
  readonly contentType: string | null;
  readonly body: string;
  readonly location?: string;
}

/** One entry of a 422, in the shape production's framework gives; `input` is what the request held at that place. */
export interface ValidationDetail {
  readonly type: string;
  readonly loc: readonly (string | number)[];
  readonly msg: string;
  readonly input: unknown;
  readonly ctx?: Readonly<Record<string, unknown>>;
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

/** An error of the framework: no such route, no such method, a body that is no text. */
export const toFrameworkError = (status: number, detail: string): Answer => toJson(status, { detail });

/** The framework sends a call without its slash, or with one too many, to where a route is. */
export const toSlashRedirect = (location: string): Answer => ({ status: 307, contentType: null, body: "", location });

/** A page of the reverse proxy, which knows nothing of JSON. */
export const toProxyPage = (status: number, title: string, location?: string): Answer => ({
  status,
  contentType: "text/html",
  body:
    `<html>\r\n<head><title>${status} ${title}</title></head>\r\n<body>\r\n<center><h1>${status} ` +
    `${title}</h1></center>\r\n<hr><center>nginx/1.29.0</center>\r\n</body>\r\n</html>\r\n`,
  ...(location === undefined ? {} : { location }),
});

/** The proxy's own key check on what reads the knowledge base. */
export const proxyKeyRefusal: Answer = toProxyPage(401, "Authorization Required");

/** Outside the prefix the proxy serves another site. */
export const website: Answer = { status: 200, contentType: "text/html", body: "<html>website</html>\n" };
