// The one error type of the kit: a code of the registry, named facts, and the remedy the registry holds.
import { codes, type Code } from "./codes/index.ts";

/** Named facts of one occurrence. Never a secret: a `Secret` prints as `[REDACTED]`. Printed as `name=value`. */
export type Facts = Readonly<Record<string, string | number | boolean | null | readonly string[]>>;

/**
 * A refusal or a failure that somebody can act on. Bugs are assertions, not `CutterError`s.
 * `exitCode` says what happened to production, not how bad it feels (decision 27).
 */
export class CutterError extends Error {
  readonly code: Code;
  readonly facts: Facts;

  constructor(code: Code, facts: Facts = {}, options: { readonly cause?: unknown } = {}) {
    super(toErrorLine(code, facts), options);
    this.name = "CutterError";
    this.code = code;
    this.facts = facts;
  }

  get exitCode(): number {
    return codes[this.code].exit;
  }

  get remedy(): string {
    return codes[this.code].remedy;
  }
}

/** Which case of its code this is, where a code has several: its fact `reason` or `field`. For records that keep no other fact. */
export function toCase({ facts }: CutterError): { readonly reason?: string; readonly field?: string } {
  const { reason, field } = facts;
  return typeof reason === "string" ? { reason } : typeof field === "string" ? { field } : {};
}

/** The code and its case: `APPROVAL_FOR_ANOTHER field=host`. */
export function toCodeText(error: CutterError): string {
  return [error.code, ...Object.entries(toCase(error)).map(([name, value]) => `${name}=${value}`)].join(" ");
}

/** `CODE summary name=value … remedy`, on one line, control characters escaped. */
export function toErrorLine(code: Code, facts: Facts): string {
  const entry = codes[code];
  const named = Object.entries(facts).map(([name, value]) => `${name}=${toPrintable(value)}`);
  return [code, entry.summary, ...named, `→ ${entry.remedy}`].join(" ");
}

/** Values from outside may hold escapes or bidi controls: what is not plain is shown as JSON with every such character escaped. */
export function toPrintable(value: Facts[string]): string {
  const text = typeof value === "string" ? value : Array.isArray(value) ? value.join(",") : String(value);
  if (/^[\p{L}\p{N}._:/@%+,=\-[\]]+$/u.test(text)) return text;
  return JSON.stringify(text).replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
