// What the API answers when PostgreSQL cannot keep a document: PostgreSQL's own words, around a statement as the API's driver sends it.

/** Carries the text of the answer's `details.error`. */
export class UnstorableDocument extends Error {}

/** JSON as the API's language writes it: a blank after each comma and colon, no character beyond ASCII, and NaN as itself. */
export function toPythonJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(toPythonJson).join(", ")}]`;
  if (typeof value === "object" && value !== null) {
    const parts = Object.entries(value).map(([key, part]) => `${toPythonJson(key)}: ${toPythonJson(part)}`);
    return `{${parts.join(", ")}}`;
  }
  if (typeof value === "number" && !Number.isFinite(value)) return "NaN";
  const text = JSON.stringify(value);
  return text.replace(/[\u007f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** 60 columns of the statement, ten of them from the place that PostgreSQL points at on. */
export function toRefusalText(key: string, error: unknown): string {
  if (!(error instanceof Error)) return "unknown error";
  const { detail, where } = error as { readonly detail?: unknown; readonly where?: unknown };
  if (typeof detail !== "string" || typeof where !== "string") return error.message;
  const before = `INSERT INTO kb_documents (key, data) VALUES ('${key}', `.slice(-50);
  const [context = ""] = where.split("\n");
  return `${error.message}\nLINE 1: ...${before}'{"documen...\n${" ".repeat(61)}^\nDETAIL:  ${detail}\nCONTEXT:  ${context}\n`;
}
