// Canonical JSON (RFC 8785): one text per value, so that a digest of it can be signed and compared.
import canonicalize from "canonicalize";
import { CutterError } from "../errors.ts";

const depthMax = 256;

/**
 * The one canonical text of a plain value; parsing it gives the value back (only -0 becomes 0, as RFC 8785 says).
 * @throws CANONICAL_JSON_REFUSED for what another reader might take differently: NaN, infinities, integers beyond ±(2^53 − 1), lone
 * surrogates, undefined, functions, class instances, `toJSON`, sparse arrays, cycles, nesting deeper than 256. `at` names the place as a
 * JSON pointer.
 */
export function toCanonicalJson(value: unknown): string {
  check(value, []);
  const text = canonicalize(value);
  if (text === undefined) throw new CutterError("CANONICAL_JSON_REFUSED", { reason: "no_text" });
  return text;
}

function check(value: unknown, path: string[]): void {
  if (path.length > depthMax) return refuse("too_deep_or_cyclic", path);
  if (value === null || typeof value === "boolean") return;
  if (typeof value === "string") return value.isWellFormed() ? undefined : refuse("lone_surrogate", path);
  if (typeof value === "number") return checkNumber(value, path);
  if (typeof value !== "object") return refuse(`type_${typeof value}`, path);
  if (Array.isArray(value)) return checkArray(value, path);
  checkObject(value, path);
}

function checkNumber(value: number, path: readonly string[]): void {
  if (!Number.isFinite(value)) refuse("not_a_finite_number", path);
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) refuse("integer_beyond_2_53", path);
}

function checkArray(value: readonly unknown[], path: string[]): void {
  if ("toJSON" in value) refuse("to_json", path);
  for (let index = 0; index < value.length; index += 1) {
    path.push(String(index));
    if (!Object.hasOwn(value, index)) refuse("sparse_array", path);
    check(value[index], path);
    path.pop();
  }
}

function checkObject(value: object, path: string[]): void {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && prototype !== Object.prototype) refuse("not_a_plain_object", path);
  if ("toJSON" in value && typeof value.toJSON === "function") refuse("to_json", path);
  for (const [name, member] of Object.entries(value)) {
    path.push(name);
    if (!name.isWellFormed()) refuse("lone_surrogate_in_a_name", path);
    check(member, path);
    path.pop();
  }
}

function refuse(reason: string, path: readonly string[]): never {
  throw new CutterError("CANONICAL_JSON_REFUSED", {
    reason,
    at: path
      .slice(0, 12)
      .map((name) => `/${name.toWellFormed().slice(0, 40)}`)
      .join(""),
  });
}
