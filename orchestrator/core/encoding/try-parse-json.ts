// JSON where a text that is none is no error of its own: the caller's schema refuses it together with every other wrong shape.

/**
 * The value; undefined for absent content, for bytes that are not UTF-8, and for what is not JSON. Strict readers use `parseStrictJson`.
 * Pure.
 */
export function tryParseJson(content: string | Uint8Array | null): unknown {
  if (content === null) return undefined;
  try {
    return JSON.parse(typeof content === "string" ? content : new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(content));
  } catch {
    return undefined;
  }
}
