// sha256, the kit's only digest, as 64 lower-case hex digits.
import { createHash } from "node:crypto";
import { toCanonicalJson } from "./canonical-json.ts";

/** Digest of bytes; of a string's UTF-8 bytes. A lone surrogate in a string is digested as U+FFFD: canonical JSON refuses it before. */
export function sha256Hex(content: Uint8Array | string): string {
  return createHash("sha256").update(content).digest("hex");
}

/** Digest of a value's RFC 8785 canonical JSON. @throws CANONICAL_JSON_REFUSED */
export function sha256OfJson(value: unknown): string {
  return sha256Hex(toCanonicalJson(value));
}
