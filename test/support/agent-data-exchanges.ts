// What a real Agent Data server answered, call by call: read from test/fixtures/agent-data/exchanges.json, and compared with an answer.
import { readFileSync } from "node:fs";
import { randomBytes } from "node:crypto";

export interface ExchangeCase {
  readonly name: string;
  readonly exchanges: readonly Exchange[];
}

interface Exchange {
  readonly method: string;
  readonly path: string;
  readonly key: "right" | string | null; // null: no header
  readonly contentType: string;
  readonly body: Buffer | null;
  readonly expected: Reply;
}

/** `page` is what is no JSON: how many bytes of it came. */
export interface Reply {
  readonly status: number;
  readonly contentType: string;
  readonly answer: unknown;
}

type Fields = Readonly<Record<string, unknown>>;
type Line = readonly [call: string, sent: Fields, status: number, answer: Fields];

const file = new URL("../fixtures/agent-data/exchanges.json", import.meta.url);

/** Each case with an id of its own, of as many characters as the recorded ones: the server's words about a bad document depend on it. */
export function readExchangeCases(): readonly ExchangeCase[] {
  const { cases } = JSON.parse(readFileSync(file, "utf8")) as { cases: Readonly<Record<string, readonly Line[]>> };
  return Object.entries(cases).map(([name, lines]) => {
    const names = toNames(`knowledge/dev/cmp-${randomBytes(6).toString("hex").slice(0, 8)}/c-01.md`);
    return { name, exchanges: lines.map((line) => toExchange(line, names)) };
  });
}

type Names = readonly (readonly [placeholder: string, name: string])[];

function toNames(id: string): Names {
  return [
    ["ID_UPPER", id.toUpperCase()],
    ["ID__", id.replaceAll("/", "__")],
    ["FOLDER", id.slice(0, -".md".length)],
    ["ID", id],
  ];
}

function toExchange([call, sent, status, answer]: Line, names: Names): Exchange {
  const named = (text: string): string =>
    text.replaceAll(/ID_UPPER|ID__|FOLDER|\bID\b/g, (word) => names.find(([name]) => name === word)?.[1] ?? word);
  const [method = "", path = ""] = call.split(" ");
  const { key, type = "application/json", body, raw } = sent;
  const page = answer["$page"] as readonly [string, number] | undefined;
  const text = JSON.stringify(toRequestBody(body));
  return {
    method,
    path: named(path).replaceAll("é", "%C3%A9"),
    key: key === undefined ? "right" : (key as string | null),
    contentType: String(type),
    body: raw !== undefined ? Buffer.from(named(String(raw)), "latin1") : body === undefined ? null : Buffer.from(named(text), "utf8"),
    expected: {
      status,
      contentType: page === undefined ? "application/json" : page[0],
      answer: page === undefined ? (JSON.parse(named(JSON.stringify(toAnswer(answer)))) as unknown) : page[1],
    },
  };
}

const metadata = { title: "T", tags: ["x"], source: "cutter" };

function toRequestBody(body: unknown): unknown {
  if (!isFields(body) || body["$document"] === undefined) return body;
  const { $document, ...change } = body;
  const content = { mime_type: "text/markdown", body: toText($document) };
  return { document_id: "ID", parent_id: "knowledge/dev/trial", content, metadata, ...change };
}

function toAnswer(answer: Fields): Fields {
  const { $error, $invalid, $written, $stored, $list, ...rest } = answer;
  if ($error !== undefined) return { code: $error, message: anyText, details: {}, source: anyText, request_id: anyText, ...rest };
  if ($invalid !== undefined) return { detail: ($invalid as readonly (readonly [string, string, "ctx"?])[]).map(toDetail) };
  if ($written !== undefined) {
    const [status, revision] = String($written).split(" ");
    return { id: "ID", status, revision: Number(revision), ...rest };
  }
  if ($stored !== undefined) return { document_id: "ID", content: toText($stored), metadata: { ...metadata, source: anyText }, ...rest };
  if ($list !== undefined) {
    const items = ($list as readonly Fields[]).map((item) => ({ parent_id: "knowledge/dev/trial", title: "T", tags: ["x"], ...item }));
    return { items, count: items.length };
  }
  return rest;
}

function toDetail([type, place, context]: readonly [string, string, "ctx"?]): Fields {
  const loc = place.split(".").map((part) => (/^\d+$/.test(part) ? Number(part) : part));
  return { type, loc, msg: anyText, input: anything, ...(context === undefined ? {} : { ctx: anything }) };
}

function toText(text: unknown): string {
  if (!isFields(text)) return String(text);
  const [character, count] = text["$repeat"] as readonly [string, number];
  return character.repeat(count);
}

const isFields = (value: unknown): value is Fields => typeof value === "object" && value !== null && !Array.isArray(value);

const anyText = "<string>";
const anything = "<anything>";

/** Where `found` is another answer than the recorded one: other keys, other values where a value is recorded. */
export function toDifferences(expected: unknown, found: unknown, place = "answer"): readonly string[] {
  if (expected === anything || (expected === anyText && typeof found === "string")) return [];
  if (Array.isArray(expected) && Array.isArray(found) && expected.length === found.length)
    return expected.flatMap((part, index) => toDifferences(part, found[index], `${place}.${String(index)}`));
  if (isFields(expected) && isFields(found)) {
    const keys = [...new Set([...Object.keys(expected), ...Object.keys(found)])];
    return keys.flatMap((key) =>
      Object.hasOwn(expected, key) && Object.hasOwn(found, key)
        ? toDifferences(expected[key], found[key], `${place}.${key}`)
        : [`${place}.${key} is ${Object.hasOwn(expected, key) ? "missing" : "one too many"}`],
    );
  }
  return Object.is(expected, found) ? [] : [`${place} is ${JSON.stringify(found)}, recorded is ${JSON.stringify(expected)}`];
}
