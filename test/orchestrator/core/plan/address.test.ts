// Addresses: the grammar by examples, and what they depend on by properties.
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AddressBook, isAddress, parseDocCode, slugBytesMax, toSlug } from "../../../../orchestrator/core/plan/address.ts";
import { toPlannedUnits } from "../../../../orchestrator/core/plan/cutplan.ts";
import type { CutterError } from "../../../../orchestrator/core/errors.ts";
import { markSource } from "../../../../orchestrator/core/plan/mark.ts";
import { bodyText } from "../../../support/markdown/markdown-arbitrary.ts";

const docCode = parseDocCode("DOC-1");
const addresses = (text: string) => {
  const bytes = Buffer.from(text);
  return toPlannedUnits(docCode, bytes, markSource(bytes)).map((unit) => unit.address);
};

describe("slugs", () => {
  it.each([
    ["Điều 5. Phạm vi áp dụng", "dieu-5-pham-vi-ap-dung"],
    ["Điều 5. Phạm vi áp dụng".normalize("NFD"), "dieu-5-pham-vi-ap-dung"],
    ["ĐIỀU 1: MỤC ĐÍCH", "dieu-1-muc-dich"],
    ["#14 — Überblick", "14-uberblick"],
    ["(3A) API Contract", "3a-api-contract"],
    ["📜 Hiến Pháp", "hien-phap"],
    ["Collection 1: `knowledge_documents`", "collection-1-knowledge-documents"],
    ["**Bold** [link](https://a.b/c?d) <br>", "bold-link"],
    ["  Straße, Łódź, Ærø, İstanbul ", "strasse-lodz-aero-istanbul"],
    ["№ ½ ﬁ ²", "no-1-2-fi-2"],
    ["", "untitled"],
    ["   ", "untitled"],
    ["~preamble", "preamble"],
    ["a/b..c", "a-b-c"],
  ])("%j becomes %j", (title, slug) => {
    expect(toSlug(title)).toBe(slug);
  });

  it("what has no ASCII form is told apart by a digest", () => {
    expect(toSlug("概要")).toMatch(/^x[0-9a-f]{8}$/);
    expect(toSlug("API 概要")).toMatch(/^api-x[0-9a-f]{8}$/);
    expect(toSlug("API 概要")).not.toBe(toSlug("API 細目"));
    expect(toSlug("🚀")).toMatch(/^x[0-9a-f]{8}$/);
    expect(toSlug("🚀")).not.toBe(toSlug("🔥"));
    expect(toSlug("가".normalize("NFD"))).toBe(toSlug("가"));
  });

  it("long titles are bounded and still told apart", () => {
    const long = "muc ".repeat(40);
    expect(toSlug(long)).toMatch(/^muc(-muc)+-mu-x[0-9a-f]{8}$/);
    expect(toSlug(long).length).toBeLessThanOrEqual(slugBytesMax);
    expect(toSlug(`${long}a`)).not.toBe(toSlug(`${long}b`));
    expect(toSlug("a".repeat(slugBytesMax))).toBe("a".repeat(slugBytesMax));
  });

  it("of any title obey the grammar", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: "grapheme", maxLength: 200 }), fc.string({ unit: "binary", maxLength: 200 })), (title) => {
        expect(toSlug(title).length).toBeLessThanOrEqual(slugBytesMax);
        expect(isAddress(`x/${toSlug(title)}`)).toBe(true);
        expect(toSlug(title.normalize("NFD"))).toBe(toSlug(title.normalize("NFC")));
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    "",
    "/a",
    "x",
    "x/",
    "x//a",
    "x/A",
    "x/a-",
    "x/a--b",
    "x/-a",
    "x/a~",
    "x/a~01",
    "x/~other",
    "x/a/~preamble",
    "x/~preamble/a",
    "x/a/a/a/a/a/a/a",
    "x..y/a",
    "-x/a",
    "x/đ",
  ])("%j is no address", (text) => {
    expect(isAddress(text)).toBe(false);
  });
});

describe("document codes", () => {
  it.each(["A", "dieu-37", "LAW_1.2", "a".repeat(64)])("%j is one", (text) => {
    expect(parseDocCode(text)).toBe(text);
  });

  it.each(["", "a/b", "a..b", "-a", "a-", ".", "a b", "đ", "a".repeat(65), "a\n"])("%j is refused", (text) => {
    expect(() => parseDocCode(text)).toThrowError(expect.objectContaining({ code: "DOC_CODE_INVALID" } satisfies Partial<CutterError>));
  });
});

it("thirteen sections of one title get thirteen addresses, in order", () => {
  const expected = Array.from({ length: 13 }, (_, index) => `DOC-1/top/purpose${index === 0 ? "" : `~${index + 1}`}`);
  expect(addresses(`# Top\n${"## Purpose\nx\n".repeat(13)}`).slice(1)).toEqual(expected);
});

it("children of namesakes lie under their own parent", () => {
  expect(addresses("# A\n## B\n# A\n## B\n### C\n")).toEqual(["DOC-1/a", "DOC-1/a/b", "DOC-1/a~2", "DOC-1/a~2/b", "DOC-1/a~2/b/c"]);
});

interface Section {
  readonly level: number;
  readonly title: string;
  readonly body: string;
}
const section: fc.Arbitrary<Section> = fc.record({
  level: fc.integer({ min: 1, max: 6 }),
  title: fc.constantFrom<string[]>("Purpose", "purpose!", "Điều 5", "", "🚀", "概要", "B"),
  body: bodyText,
});
const sections = fc.array(section, { minLength: 1, maxLength: 14 });
const toText = (parts: readonly Section[]) => parts.map(({ level, title, body }) => `${"#".repeat(level)} ${title}\n\n${body}`).join("");
const namesakesOrBelow = (slugPath: string) => (address: string) =>
  address === slugPath || address.startsWith(`${slugPath}/`) || address.startsWith(`${slugPath}~`);
const unclaimed = "Only once"; // a title the generator never gives

describe("addresses are stable under edits elsewhere", () => {
  it("they follow from doc code, ancestors and earlier siblings of the same slug, and from nothing else", () => {
    fc.assert(
      fc.property(sections, (parts) => {
        // The definition in the header of address.ts, told the slow way.
        const expected: string[] = [];
        const parents: (string | null)[] = [];
        for (const [index, part] of parts.entries()) {
          let parentIndex = index - 1;
          while (parentIndex >= 0 && (parts[parentIndex]?.level ?? 0) >= part.level) parentIndex -= 1;
          const parent = expected[parentIndex] ?? null;
          const namesakes = parts
            .slice(0, index)
            .filter((other, at) => parents[at] === parent && toSlug(other.title) === toSlug(part.title)).length;
          expected.push(`${parent ?? "DOC-1"}/${toSlug(part.title)}${namesakes === 0 ? "" : `~${namesakes + 1}`}`);
          parents.push(parent);
        }
        expect(addresses(toText(parts))).toEqual(expected);
      }),
      { numRuns: 500 },
    );
  });

  it("editing text anywhere changes none", () => {
    fc.assert(
      fc.property(sections, fc.array(bodyText, { minLength: 14, maxLength: 14 }), (parts, bodies) => {
        const edited = parts.map((part, index) => ({ ...part, body: bodies[index] ?? "" }));
        expect(addresses(toText(edited))).toEqual(addresses(toText(parts)));
      }),
    );
  });

  it("a preamble that comes or goes changes none of the sections", () => {
    fc.assert(
      fc.property(sections, (parts) => {
        expect(addresses(`Lời nói đầu\n\n${toText(parts)}`)).toEqual(["DOC-1/~preamble", ...addresses(toText(parts))]);
      }),
    );
  });

  it("adding or removing a section of its own name, under which nothing moves, changes no other", () => {
    fc.assert(
      fc.property(sections, fc.nat(), fc.integer({ min: 1, max: 6 }), (parts, place, wantedLevel) => {
        const at = place % (parts.length + 1);
        const level = Math.max(wantedLevel, parts[at]?.level ?? 1); // so that what follows does not become its child
        const grown = [...parts.slice(0, at), { level, title: unclaimed, body: "" }, ...parts.slice(at)];
        expect(addresses(toText(grown)).toSpliced(at, 1)).toEqual(addresses(toText(parts)));
      }),
      { numRuns: 500 },
    );
  });

  it("renaming a section changes only its own subtree and later namesakes with theirs", () => {
    fc.assert(
      fc.property(sections, fc.nat(), (parts, place) => {
        const at = place % parts.length;
        const before = addresses(toText(parts));
        const after = addresses(toText(parts.with(at, { level: parts[at]?.level ?? 1, title: unclaimed, body: "" })));
        const isNamesakeOrBelow = namesakesOrBelow((before[at] ?? "").replace(/~[0-9]+$/, ""));
        const mustStay = (address: string, index: number) => index < at || !isNamesakeOrBelow(address);
        expect(after.filter((_, index) => mustStay(before[index] ?? "", index))).toEqual(before.filter(mustStay));
        expect(after[at]).toMatch(/\/only-once$/);
      }),
      { numRuns: 500 },
    );
  });

  it("a duplicate behind its namesakes changes no other; one before them shifts only them", () => {
    fc.assert(
      fc.property(sections, fc.nat(), (parts, place) => {
        const before = addresses(toText(parts));
        const twin = parts[place % parts.length] ?? parts[0];
        if (twin === undefined) throw new Error("sections are never empty");
        expect(addresses(toText([...parts, twin])).slice(0, -1)).toEqual(before);
        const first = { ...twin, level: Math.max(twin.level, parts[0]?.level ?? 1), body: "" };
        const shifted = addresses(toText([first, ...parts]));
        const isNamesakeOrBelow = namesakesOrBelow(shifted[0] ?? "");
        expect(shifted.slice(1).filter((_, index) => !isNamesakeOrBelow(before[index] ?? ""))).toEqual(
          before.filter((address) => !isNamesakeOrBelow(address)),
        );
      }),
      { numRuns: 500 },
    );
  });

  it("no two are equal, whatever the titles", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 6 }), fc.string({ unit: "grapheme", maxLength: 12 })), { maxLength: 30 }),
        (titles) => {
          const text = `x\n\n${titles.map(([level, title]) => `${"#".repeat(level)} ${title.replace(/[\r\n]/g, " ")}\n`).join("")}`;
          const given = addresses(text);
          expect(new Set(given).size).toBe(given.length);
          for (const address of given) expect(isAddress(address)).toBe(true);
        },
      ),
      { numRuns: 500 },
    );
  });

  it("the book gives first come, first named", () => {
    const book = new AddressBook(docCode);
    expect([book.next(null, "A"), book.next(null, "a"), book.next("DOC-1/a", "A"), book.next(null, "A.")]).toEqual([
      "DOC-1/a",
      "DOC-1/a~2",
      "DOC-1/a/a",
      "DOC-1/a~3",
    ]);
  });
});
