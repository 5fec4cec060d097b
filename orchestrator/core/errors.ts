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

  /** As a person reads it: several problems are a list, one a line, and the remedy once, below it. Records keep the one line. */
  get text(): string {
    const { problems, ...others } = this.facts;
    if (!Array.isArray(problems) || problems.length < 2) return this.message;
    const [head = "", remedy = ""] = [toErrorLine(this.code, others).slice(0, -` → ${this.remedy}`.length), `→ ${this.remedy}`];
    return [`${head} problems=${String(problems.length)}`, ...problems.map((problem) => `  - ${toVisible(String(problem))}`), remedy].join(
      "\n",
    );
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
  return toVisible(JSON.stringify(text));
}

function toVisible(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** What --json prints in place of a result: `cutter.error/1`. What is no refusal of ours is a bug. */
export function toErrorJson(exception: unknown): object {
  const known = exception instanceof CutterError ? exception : new CutterError("INTERNAL_BUG");
  return {
    schema: "cutter.error/1",
    code: known.code,
    summary: codes[known.code].summary,
    facts: known.facts,
    remedy: known.remedy,
    exit_code: known.exitCode,
  };
}
