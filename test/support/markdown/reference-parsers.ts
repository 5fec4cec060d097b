// Independent parsers' opinion on the headings of a text: the reference implementation in JavaScript, and micromark.
import { Parser } from "commonmark";
import type { Nodes } from "mdast";
import { fromMarkdown } from "mdast-util-from-markdown";
import { markSource } from "../../../orchestrator/core/plan/mark.ts";

/** What all parsers are asked for. `byteOffset` counts from the text's first byte, BOM included. */
export interface ReferenceHeading {
  readonly level: number;
  readonly byteOffset: number;
  readonly nested: boolean;
}

export function ourHeadings(text: string): ReferenceHeading[] {
  if (text === "") return []; // SOURCE_UNFIT reason=empty
  return markSource(Buffer.from(text)).headings.map(({ level, byteOffset, cut }) => ({ level, byteOffset, nested: cut === "nested" }));
}

export function ourTitles(text: string): string[] {
  return text === "" ? [] : markSource(Buffer.from(text)).headings.map((heading) => heading.title);
}

export function commonmarkHeadings(text: string): ReferenceHeading[] {
  return readCommonmark(text).map(({ level, byteOffset, nested }) => ({ level, byteOffset, nested }));
}

/** Raw inline source of each heading, as commonmark hands it to its inline parser; its lines are trimmed and joined here. */
export function commonmarkTitles(text: string): string[] {
  return readCommonmark(text).map(({ raw }) =>
    raw
      .split("\n")
      .map((line) => line.replace(/^[ \t]+|[ \t]+$/g, ""))
      .join(" ")
      .trim(),
  );
}

export function micromarkHeadings(text: string): ReferenceHeading[] {
  const { bomBytes, body } = splitBom(text);
  const found: ReferenceHeading[] = [];
  const visit = (node: Nodes, nested: boolean): void => {
    if (node.type === "heading")
      found.push({ level: node.depth, byteOffset: bomBytes + Buffer.byteLength(body.slice(0, node.position?.start.offset ?? -1)), nested });
    if ("children" in node) for (const child of node.children) visit(child, node.type !== "root");
  };
  visit(fromMarkdown(body), false);
  return found;
}

function readCommonmark(text: string): (ReferenceHeading & { readonly raw: string })[] {
  const { bomBytes, body } = splitBom(text);
  const lineStarts = [0, ...[...body.matchAll(/\r\n|\n|\r/g)].map((match) => match.index + match[0].length)];
  // Blocks only: so the raw inline source stays on the node.
  const walker = Object.assign(new Parser(), { processInlines: () => undefined })
    .parse(body)
    .walker();
  const found: (ReferenceHeading & { readonly raw: string })[] = [];
  for (let event = walker.next(); event !== null; event = walker.next()) {
    const { node } = event;
    if (!event.entering || node.type !== "heading") continue;
    const [line, column] = node.sourcepos[0];
    const byteOffset = bomBytes + Buffer.byteLength(body.slice(0, (lineStarts[line - 1] ?? 0) + column - 1));
    found.push({
      level: node.level,
      byteOffset,
      nested: node.parent?.type !== "document",
      raw: String(Reflect.get(node, "_string_content")),
    });
  }
  return found;
}

/** Neither judge may see the BOM: one drops it before it counts, the other takes it for text. The specification does not speak of it. */
function splitBom(text: string): { readonly bomBytes: number; readonly body: string } {
  return text.startsWith("\ufeff") ? { bomBytes: 3, body: text.slice(1) } : { bomBytes: 0, body: text };
}
