// A small document for people: sections of paragraphs, lists and tables. What the survey and the report of a run say, before it becomes
// HTML, Markdown or text.

export type Block =
  | { readonly kind: "paragraph"; readonly text: string }
  | { readonly kind: "list"; readonly items: readonly string[] }
  | { readonly kind: "commands"; readonly lines: readonly string[] }
  | { readonly kind: "table"; readonly head: readonly string[]; readonly rows: readonly (readonly string[])[] };

export interface Section {
  readonly title: string;
  readonly blocks: readonly Block[];
}

/** The first thing a reader sees: one line in capitals or colour, and what follows from it. */
export interface Banner {
  readonly tone: "good" | "bad" | "plain";
  readonly headline: string;
  readonly lines: readonly string[];
}

export interface Page {
  readonly title: string;
  readonly subtitle: string;
  readonly banner?: Banner;
  readonly sections: readonly Section[];
}

export const paragraph = (text: string): Block => ({ kind: "paragraph", text });
export const list = (items: readonly string[]): Block => ({ kind: "list", items });
export const commands = (lines: readonly string[]): Block => ({ kind: "commands", lines });
export const table = (head: readonly string[], rows: readonly (readonly string[])[]): Block => ({ kind: "table", head, rows });

/**
 * Text from outside as a person may safely see it: control characters (a terminal's escapes) and format characters (bidi, zero width) are
 * spelled out instead of obeyed. Letters of every script stay themselves. Pure.
 */
export function toVisible(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu,
    (character) => `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`,
  );
}
