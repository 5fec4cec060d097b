// Edge documents of mark, byte by byte: expectations are written out, not computed.
import { describe, expect, it } from "vitest";
import { CutterError, toCodeText } from "../../../../orchestrator/core/errors.ts";
import { headingsMax, markSource, sourceBytesMax } from "../../../../orchestrator/core/plan/mark.ts";

const bytes = (text: string) => Buffer.from(text, "utf8");
/** `[level, byteOffset, lineByteOffset, line, title, cut]` of each heading. */
const marks = (text: string) =>
  markSource(bytes(text)).headings.map((heading) => [
    heading.level,
    heading.byteOffset,
    heading.lineByteOffset,
    heading.line,
    heading.title,
    heading.cut,
  ]);
const codeOf = (act: () => unknown) => {
  try {
    act();
    return "no error";
  } catch (error) {
    return error instanceof CutterError ? toCodeText(error) : error;
  }
};

describe("mark finds each heading where it is, in bytes", () => {
  it.each<[string, string, unknown[]]>([
    [
      "CRLF",
      "# a\r\nx\r\n## b\r\n",
      [
        [1, 0, 0, 1, "a", "cut_point"],
        [2, 8, 8, 3, "b", "cut_point"],
      ],
    ],
    [
      "lone CR",
      "# a\rx\r## b",
      [
        [1, 0, 0, 1, "a", "cut_point"],
        [2, 6, 6, 3, "b", "cut_point"],
      ],
    ],
    ["a BOM counts its three bytes", "\ufeff# a\n", [[1, 3, 3, 1, "a", "cut_point"]]],
    ["NFD keeps its bytes and its title", "e\u0301\n\n# e\u0301\n", [[1, 5, 5, 3, "e\u0301", "cut_point"]]],
    ["letters of two to four bytes before it", "đ 🚀\n# ok", [[1, 8, 8, 2, "ok", "cut_point"]]],
    ["no final newline", "a\n\n# b", [[1, 3, 3, 3, "b", "cut_point"]]],
    ["indentation belongs to the line, not to the heading", "   # a\n    # code\n", [[1, 3, 0, 1, "a", "cut_point"]]],
    [
      "setext headings of several lines begin at their paragraph",
      "x\n\n a\nb  \n ===\nc\n---\n",
      [
        [1, 4, 3, 3, "a b", "cut_point"],
        [2, 15, 15, 6, "c", "cut_point"],
      ],
    ],
    ["a definition is no part of the title", "[a]: /url\nb\n===\n", [[1, 0, 0, 1, "b", "cut_point"]]],
    ["a definition alone cannot be underlined", "[a]: /url\n===\n", []],
    ["# lines in a fence are none", "```sh\n# no\n```\n# yes\n", [[1, 15, 15, 4, "yes", "cut_point"]]],
    ["an unclosed fence reaches the end", "# yes\n~~~\n# no\n```\n# no\n", [[1, 0, 0, 1, "yes", "cut_point"]]],
    ["shell comments outside fences are headings", "run:\n# install it\n", [[1, 5, 5, 2, "install it", "cut_point"]]],
    ["HTML blocks hide them", "<div>\n# no\n\n# yes\n", [[1, 12, 12, 4, "yes", "cut_point"]]],
    [
      "quotes and items are no place to cut",
      "> # q\n\n- # i\n\n  b\n  ---\n\n# t\n",
      [
        [1, 2, 0, 1, "q", "nested"],
        [1, 9, 7, 3, "i", "nested"],
        [2, 16, 14, 5, "b", "nested"],
        [1, 25, 25, 8, "t", "cut_point"],
      ],
    ],
    ["tabs", "#\ta\t#\t\n\t# code\n", [[1, 0, 0, 1, "a", "cut_point"]]],
    [
      "empty titles",
      "#\n## ##\n",
      [
        [1, 0, 0, 1, "", "cut_point"],
        [2, 2, 2, 2, "", "cut_point"],
      ],
    ],
    ["NUL is a character", "# a\u0000b\n\u0000# no\n", [[1, 0, 0, 1, "a\ufffdb", "cut_point"]]],
    ["inline source stays raw", "# *a* `b` [c](d) \\# #\n", [[1, 0, 0, 1, "*a* `b` [c](d) \\#", "cut_point"]]],
    ["no heading at all", "a\n\nb", []],
    ["table lines and rules are none", "| a |\n|---|\n\n---\n", []],
  ])("%s", (_, text, expected) => {
    expect(marks(text)).toEqual(expected);
  });
});

describe("front matter", () => {
  it("is no cut point, though CommonMark takes its last lines for a heading", () => {
    const text = "---\ntitle: x\ntags:\n  - a\n# note\n\nstatus: draft\n---\n# a\n";
    expect(marks(text)).toEqual([
      [1, 25, 25, 5, "note", "front_matter"],
      [2, 33, 33, 7, "status: draft", "front_matter"],
      [1, 51, 51, 9, "a", "cut_point"],
    ]);
    expect(markSource(bytes(text)).frontMatterEnd).toBe(51);
  });

  it("may follow a BOM and end with CRLF", () => {
    expect(marks("\ufeff---\r\na: b\r\n---\r\n# t")).toEqual([
      [2, 8, 8, 2, "a: b", "front_matter"],
      [1, 19, 19, 4, "t", "cut_point"],
    ]);
  });

  it.each([
    ["prose between two rules", "---\nFoo\n---\nBar\n---\n"],
    ["a rule that is not the first line", "\n---\na: b\n---\n"],
    ["no closing rule", "---\na: b\n# c\n"],
    ["a closing rule that lies in a fence", "---\n# note\na: |\n  ```\n---\n# c\n```\n# d\n"],
    ["a list before any key", "---\n- a\n---\n"],
  ])("is not seen in %s", (_, text) => {
    const { frontMatterEnd, headings } = markSource(bytes(text));
    expect(frontMatterEnd).toBeNull();
    expect(headings.every((heading) => heading.cut !== "front_matter")).toBe(true);
  });
});

describe("mark refuses", () => {
  it.each([
    ["a lone continuation byte", [0x23, 0x20, 0x80]],
    ["a cut-off letter", [0x23, 0x20, 0xc4]],
    ["an overlong form", [0xc0, 0xaf]],
    ["a surrogate", [0xed, 0xa0, 0x80]],
    ["UTF-16", [0xff, 0xfe, 0x23, 0x00]],
  ])("bytes that are no UTF-8: %s", (_, content) => {
    expect(codeOf(() => markSource(Uint8Array.from(content)))).toBe("SOURCE_UNFIT reason=not_utf8");
  });

  it("an empty document, one too large, and one with too many headings", () => {
    expect(codeOf(() => markSource(new Uint8Array()))).toBe("SOURCE_UNFIT reason=empty");
    expect(codeOf(() => markSource(new Uint8Array(sourceBytesMax + 1)))).toBe("SOURCE_UNFIT reason=too_large");
    expect(codeOf(() => markSource(bytes("#\n".repeat(headingsMax + 1))))).toBe("SOURCE_UNFIT reason=too_many_headings");
    expect(markSource(bytes("#\n".repeat(headingsMax))).headings).toHaveLength(headingsMax);
  });
});

it("a view into a larger buffer is read from its own start", () => {
  const view = bytes("xx# a\nb\n===\n<div>\n# no\n").subarray(2);
  expect(markSource(view).headings.map((heading) => [heading.byteOffset, heading.title])).toEqual([
    [0, "a"],
    [4, "b"],
  ]);
});
