// Headings against two independent parsers: number, level, byte offset, nesting and raw title.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import specification from "commonmark-spec";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  commonmarkHeadings,
  commonmarkTitles,
  micromarkHeadings,
  ourHeadings,
  ourTitles,
  type ReferenceHeading,
} from "../../../support/markdown/reference-parsers.ts";
import { anyMarkdown, flatMarkdown } from "../../../support/markdown/markdown-arbitrary.ts";

const corpusDirectory = join(import.meta.dirname, "../../../../../shared/corpus");
const corpus = existsSync(corpusDirectory) ? readdirSync(corpusDirectory).filter((name) => name.endsWith(".md")) : [];

/** What commonmark and micromark see otherwise than we do: empty when all agree. */
function disagreements(text: string): unknown[] {
  const pairs = [
    { judge: "commonmark", ours: ourHeadings(text), theirs: commonmarkHeadings(text) },
    { judge: "micromark", ours: ourHeadings(text), theirs: micromarkHeadings(text) },
    { judge: "commonmark's titles", ours: ourTitles(text), theirs: commonmarkTitles(text) },
  ];
  return pairs.filter(({ ours, theirs }) => !isDeepStrictEqual(ours, theirs)).map((pair) => ({ text, ...pair }));
}

describe("headings agree with commonmark and micromark", () => {
  it("on the text of the CommonMark specification, with its 45 headings", () => {
    expect(disagreements(specification.text)).toEqual([]);
    expect(ourHeadings(specification.text)).toHaveLength(45);
  });

  it("on the specification with CRLF and with lone CR", () => {
    expect(disagreements(specification.text.replaceAll("\n", "\r\n"))).toEqual([]);
    expect(disagreements(specification.text.replaceAll("\n", "\r"))).toEqual([]);
  });

  it("on each example of the specification, plain, with CRLF, with a BOM, without its final newline, and inside a quote and an item", () => {
    expect(specification.tests.length).toBeGreaterThan(600);
    for (const { markdown } of specification.tests) {
      const text = markdown.replaceAll("→", "\t");
      expect(disagreements(text)).toEqual([]);
      expect(disagreements(text.replaceAll("\n", "\r\n"))).toEqual([]);
      expect(disagreements(`\ufeff${text}`)).toEqual([]);
      expect(disagreements(text.replace(/\n$/, ""))).toEqual([]);
      expect(ourHeadings(text.replace(/^/gm, "> "))).toEqual(commonmarkHeadings(text.replace(/^/gm, "> ")));
      expect(ourHeadings(text.replace(/^/gm, "    ").replace(/^ {4}/, "1.  "))).toEqual(
        commonmarkHeadings(text.replace(/^/gm, "    ").replace(/^ {4}/, "1.  ")),
      );
    }
  });

  it("on the specification with every example taken out of its fence", () => {
    const text = specification.tests.map((example) => `${example.markdown.replaceAll("→", "\t")}\n\n`).join("");
    expect(ourHeadings(text)).toEqual(commonmarkHeadings(text));
  });

  it.runIf(corpus.length > 0)("on every document of the corpus", () => {
    for (const name of corpus) expect(disagreements(readFileSync(join(corpusDirectory, name), "utf8"))).toEqual([]);
  });

  it.each([
    ["a blank line ends a quote and the fence in it", "> ```\n\n> # x\n"],
    ["an item that held an empty item is not empty", "- -\n\n\n  # x\n"],
    ["an empty item ends at a blank line", "-\n\n  # x\n"],
    ["a tab is consumed in part", "-\t\t# code\n>\t# text\n"],
    ["a parenthesis closed and never opened makes no definition", "[a]: b)\n===\n"],
    ["a parenthesis never closed makes no definition", "[a]: (b\n===\n"],
    ["a title without space before it makes no definition", '[a]: <b>"t"\n===\n'],
    ["ten digits are no number", "1234567890. # x\n"],
  ])("in the small print: %s", (_, text) => {
    expect(disagreements(text)).toEqual([]);
  });

  it("on generated Markdown of every kind, commonmark", () => {
    fc.assert(
      fc.property(anyMarkdown, (text) => {
        expect(ourHeadings(text)).toEqual(commonmarkHeadings(text));
        expect(ourTitles(text)).toEqual(commonmarkTitles(text));
      }),
      { numRuns: 2500 },
    );
  });

  it("on generated Markdown without containers, micromark", () => {
    fc.assert(
      fc.property(flatMarkdown, (text) => {
        // Where a paragraph with definitions begins is the last of the named cases below; everything else of it must agree.
        const beginsWithDefinition = ourHeadings(text).map((heading) => Buffer.from(text)[heading.byteOffset] === "[".charCodeAt(0));
        const comparable = (headings: ReferenceHeading[]) =>
          headings.map((heading, index) =>
            beginsWithDefinition[index] === true ? { ...heading, byteOffset: "of the paragraph" } : heading,
          );
        expect(comparable(ourHeadings(text))).toEqual(comparable(micromarkHeadings(text)));
      }),
      { numRuns: 1500 },
    );
  });

  it("the generators reach headings of both kinds, nested and not, often enough to mean something", () => {
    const headings = fc.sample(anyMarkdown, { numRuns: 2000, seed: 7 }).flatMap(ourHeadings);
    expect(headings.filter((heading) => heading.nested).length).toBeGreaterThan(200);
    expect(headings.filter((heading) => !heading.nested).length).toBeGreaterThan(200);
  });
});

// Where the two judges differ from one another the specification decides. Each case: who is right, and by which rule.
describe("where the judges disagree, the specification decides", () => {
  const top = (level: number, byteOffset: number) => ({ level, byteOffset, nested: false });
  const inside = (level: number, byteOffset: number) => ({ level, byteOffset, nested: true });

  it.each([
    ["a tab may stand behind a definition's title (4.7: spaces or tabs)", "[a]: b 'c'\t\n=\n", []],
    ["a no-break space behind a tag is text, so no HTML block begins (4.6: spaces and tabs)", "<a b='c'>\u00a0\n# a\n", [top(1, 12)]],
  ])("micromark is right: %s", (_, text, expected) => {
    expect(ourHeadings(text)).toEqual(expected);
    expect(micromarkHeadings(text)).toEqual(expected);
    expect(commonmarkHeadings(text)).not.toEqual(expected);
  });

  it.each([
    ["01 is the number 1, so the item may interrupt a paragraph (5.2)", "a\n01. # b\n", [inside(1, 6)]],
    ["only the item that interrupts must begin with 1, not one inside it", "a\n- 2) # b\n", [inside(1, 7)]],
    ["a lazy line that looks like a tag changes nothing for the items after it", "- \ttext\n<a>\n      - ## two\n", [inside(2, 20)]],
    ["an item after indented code interrupts no paragraph", "    code\n2) # b\n", [inside(1, 12)]],
    ["an empty item inside a quote interrupts no paragraph; the next line is a second item, not an underline", "a\n> - \n> - \n", []],
    [
      "an underline that did not count belongs to the paragraph, whose first byte is the definition's",
      "[a]: /url\n===\nb\n---\n",
      [top(2, 0)],
    ],
  ])("commonmark is right: %s", (_, text, expected) => {
    expect(ourHeadings(text)).toEqual(expected);
    expect(commonmarkHeadings(text)).toEqual(expected);
    expect(micromarkHeadings(text)).not.toEqual(expected);
  });
});
