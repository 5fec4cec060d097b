// The plan adds up to the source, byte for byte, for every document; and what its units look like.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import specification from "commonmark-spec";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkLossless, sliceUnit, titleCharactersMax, toCutPlan, toPlannedUnits } from "../../../../orchestrator/core/plan/cutplan.ts";
import { parseDocCode } from "../../../../orchestrator/core/plan/address.ts";
import { markSource } from "../../../../orchestrator/core/plan/mark.ts";
import { toPayloadSha, toPlanText } from "../../../../orchestrator/core/plan/payload.ts";
import { anyMarkdown } from "../../../support/markdown/markdown-arbitrary.ts";
import type { PlannedUnit } from "../../../../orchestrator/core/plan/schema.ts";

const docCode = parseDocCode("doc");
const corpusDirectory = join(import.meta.dirname, "../../../../../shared/corpus");
const corpus = existsSync(corpusDirectory) ? readdirSync(corpusDirectory) : [];

function planOf(text: string | Buffer): { readonly bytes: Buffer; readonly units: readonly PlannedUnit[] } {
  const bytes = Buffer.from(text);
  return { bytes, units: toPlannedUnits(docCode, bytes, markSource(bytes)) };
}

/** `[address, kind, parent, text]` of each unit. */
function shapes(text: string): unknown[] {
  const { bytes, units } = planOf(text);
  return units.map((unit) => [unit.address, unit.kind, unit.parent, Buffer.from(sliceUnit(bytes, unit)).toString()]);
}

/** What is wrong with the plan of a text: empty when the units add up to it. Computed here, without the code under test. */
function flaws(text: string | Buffer): string[] {
  const { bytes, units } = planOf(text);
  const sha256 = (unit: PlannedUnit) => createHash("sha256").update(bytes.subarray(unit.byteStart, unit.byteEnd)).digest("hex");
  return [
    Buffer.concat(units.map((unit) => bytes.subarray(unit.byteStart, unit.byteEnd))).equals(bytes) ? [] : ["bytes"],
    units.every((unit, index) => unit.ordinal === index) ? [] : ["ordinals"],
    units.every((unit) => unit.sha256 === sha256(unit)) ? [] : ["digests"],
    new Set(units.map((unit) => unit.address)).size === units.length ? [] : ["addresses"],
    isDeepStrictEqual(planOf(text).units, units) ? [] : ["not deterministic"],
  ].flat();
}

describe("the units in order are the source", () => {
  it("for generated Markdown of every kind, and the same each time", () => {
    fc.assert(
      fc.property(
        anyMarkdown.filter((text) => text !== ""),
        (text) => {
          expect(flaws(text)).toEqual([]);
        },
      ),
      { numRuns: 1500 },
    );
  });

  it("for any valid UTF-8", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", minLength: 1 }), (text) => {
        expect(flaws(text)).toEqual([]);
      }),
    );
  });

  it("for the specification and each of its examples", () => {
    expect(flaws(specification.text)).toEqual([]);
    for (const { markdown } of specification.tests.filter((example) => example.markdown !== "")) expect(flaws(markdown)).toEqual([]);
  });

  it.runIf(corpus.length > 0)("for every document of the corpus, as it is, with CRLF, with a BOM, in NFD", () => {
    for (const name of corpus) {
      const content = readFileSync(join(corpusDirectory, name));
      expect(flaws(content)).toEqual([]);
      const text = content.toString("utf8");
      for (const variant of [text.replaceAll("\n", "\r\n"), `\ufeff${text}`, text.normalize("NFD")]) {
        expect(flaws(variant)).toEqual([]);
        expect(planOf(variant).units.map((unit) => unit.address)).toEqual(planOf(text).units.map((unit) => unit.address));
      }
    }
  });
});

describe("units", () => {
  it.each<[string, string, unknown[]]>([
    ["no heading: one unit", "a\r\nb", [["doc/~document", "document", null, "a\r\nb"]]],
    ["nothing but nested headings: one unit", "> # a\n", [["doc/~document", "document", null, "> # a\n"]]],
    [
      "what stands before the first heading is the preamble",
      "a\n# b\n",
      [
        ["doc/~preamble", "preamble", null, "a\n"],
        ["doc/b", "section", null, "# b\n"],
      ],
    ],
    [
      "blank lines and a BOM before it belong to the first section",
      "\ufeff\r\n \t\n# b\n",
      [["doc/b", "section", null, "\ufeff\r\n \t\n# b\n"]],
    ],
    [
      "front matter is preamble",
      "---\na: b\n---\n# c",
      [
        ["doc/~preamble", "preamble", null, "---\na: b\n---\n"],
        ["doc/c", "section", null, "# c"],
      ],
    ],
    [
      "a level may be skipped",
      "# a\n### b\n## c\n",
      [
        ["doc/a", "section", null, "# a\n"],
        ["doc/a/b", "section", "doc/a", "### b\n"],
        ["doc/a/c", "section", "doc/a", "## c\n"],
      ],
    ],
    [
      "the first level may be 3",
      "### a\n## b\n### c\n",
      [
        ["doc/a", "section", null, "### a\n"],
        ["doc/b", "section", null, "## b\n"],
        ["doc/b/c", "section", "doc/b", "### c\n"],
      ],
    ],
    [
      "a unit begins with its heading's indentation",
      "a\n  # b",
      [
        ["doc/~preamble", "preamble", null, "a\n"],
        ["doc/b", "section", null, "  # b"],
      ],
    ],
    [
      "a setext heading begins with its first line",
      "x\n\na\nb\n---\nc",
      [
        ["doc/~preamble", "preamble", null, "x\n\n"],
        ["doc/a-b", "section", null, "a\nb\n---\nc"],
      ],
    ],
    [
      "a title cannot take the kit's own segments",
      "x\n# ~preamble\n",
      [
        ["doc/~preamble", "preamble", null, "x\n"],
        ["doc/preamble", "section", null, "# ~preamble\n"],
      ],
    ],
  ])("%s", (_, text, expected) => {
    expect(shapes(text)).toEqual(expected);
  });

  it("show the start of a very long title and keep all of it in the address's digest", () => {
    const [first] = planOf(`# ${"🚀".repeat(400)}\n`).units;
    expect(first?.title.length).toBeLessThanOrEqual(titleCharactersMax);
    expect(first?.title.endsWith("🚀…")).toBe(true);
    expect(planOf(`# ${"🚀".repeat(401)}\n`).units[0]?.address).not.toBe(first?.address);
  });
});

describe("a plan that does not add up is refused", () => {
  const { bytes, units } = planOf("a\n# b\n## c\n");
  const at = (index: number, change: Partial<PlannedUnit>) =>
    units.map((unit, position) => (position === index ? { ...unit, ...change } : unit));

  it.each([
    ["ordinal", at(1, { ordinal: 5 })],
    ["byte_range", at(1, { byteStart: 3 })],
    ["byte_range", at(2, { byteEnd: 99 })],
    ["byte_range", at(0, { byteEnd: 0 })],
    ["sha256", at(1, { sha256: "0".repeat(64) })],
    ["address_twice", at(2, { address: "doc/b" })],
    ["parent_not_before", at(1, { parent: "doc/b/c" })],
    ["not_the_whole_source", units.slice(0, -1)],
    ["not_the_whole_source", []],
  ])("%s", (reason, changed) => {
    expect(() => checkLossless(bytes, changed)).toThrowError(
      expect.objectContaining({ code: "PLAN_NOT_LOSSLESS", facts: expect.objectContaining({ reason }) }),
    );
  });

  it("marks of other bytes", () => {
    expect(() => toPlannedUnits(docCode, Buffer.from("# a\n"), markSource(Buffer.from("# b\n")))).toThrowError(
      expect.objectContaining({ code: "PLAN_NOT_LOSSLESS" }),
    );
  });
});

describe("payload_sha", () => {
  const toPlan = (text: string, fromDigest: string) => {
    const { bytes, units } = planOf(text);
    return toCutPlan({ documentId: "knowledge/dev/a.md", docCode, sourceRevision: 3, marked: markSource(bytes), fromDigest, units });
  };

  it("is the sha256 of the plan's canonical text, which no run id is in", () => {
    const plan = toPlan("# a\n", "f".repeat(64));
    const unitSha = createHash("sha256").update("# a\n").digest("hex");
    const text = `{"docCode":"doc","documentId":"knowledge/dev/a.md","fromDigest":"${"f".repeat(64)}","schema":"cutter.plan/1","sourceBytes":4,"sourceRevision":3,"sourceSha256":"${unitSha}","units":[{"address":"doc/a","byteEnd":4,"byteStart":0,"kind":"section","level":1,"ordinal":0,"parent":null,"sha256":"${unitSha}","title":"a"}]}`;
    expect(toPlanText(plan)).toBe(text);
    expect(toPayloadSha(plan)).toBe(createHash("sha256").update(text).digest("hex"));
  });

  it("changes with one byte of the source and with the state the database is in", () => {
    const shas = [toPlan("# a\n", "f".repeat(64)), toPlan("# a \n", "f".repeat(64)), toPlan("# a\n", "e".repeat(64))].map(toPayloadSha);
    expect(new Set(shas).size).toBe(3);
    expect(toPayloadSha(toPlan("# a\n", "f".repeat(64)))).toBe(shas[0]);
  });
});
