// How a root helper that gathers facts tells its caller why it refused: one line on stdout, so that code and facts arrive as they are and
// nobody reads stderr.
import { z } from "zod";
import { isCode } from "../codes/index.ts";
import { CutterError } from "../errors.ts";
import { tryParseJson } from "../encoding/try-parse-json.ts";

const label = "refused\t";
const fact = z.union([z.string(), z.number(), z.boolean(), z.null(), z.array(z.string())]);
const refusalSchema = z.strictObject({
  code: z.string().refine(isCode),
  facts: z.record(z.string(), fact),
});

export function toRefusalOutput(error: CutterError): string {
  return `${label}${JSON.stringify({ code: error.code, facts: error.facts })}\n`;
}

/** Null when the output's last line tells no refusal of the registry. */
export function parseRefusalOutput(text: string): CutterError | null {
  const last = text.trimEnd().split("\n").at(-1) ?? "";
  if (!last.startsWith(label)) return null;
  const parsed = refusalSchema.safeParse(tryParseJson(last.slice(label.length)));
  return parsed.success ? new CutterError(parsed.data.code, parsed.data.facts) : null;
}
