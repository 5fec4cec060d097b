// JSON that two readers might take differently is refused; everything else is what JSON.parse says.
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CutterError } from "../../../../orchestrator/core/errors.ts";
import { parseStrictJson } from "../../../../orchestrator/core/encoding/strict-json.ts";

const bounds = { code: "APPROVAL_TEXT_INVALID", reason: "json", charactersMax: 100_000, depthMax: 6 } as const;
const parse = (text: string) => parseStrictJson(text, bounds);
const refusal = (text: string): unknown => {
  try {
    parse(text);
  } catch (error) {
    return error instanceof CutterError ? { code: error.code, ...error.facts } : error;
  }
  return "accepted";
};

describe("strict JSON", () => {
  it.each([
    ["a duplicate key", '{"a":1,"a":2}', "duplicate_key"],
    ["a duplicate key in another spelling", '{"a":1,"\\u0061":2}', "duplicate_key"],
    ["a duplicate key deep inside", '{"x":[{"y":{"b":1,"c":2,"b":3}}]}', "duplicate_key"],
    ["an equal duplicate key", '{"a":1,"a":1}', "duplicate_key"],
    ["__proto__", '{"__proto__":{"gate":"SG_1"}}', "forbidden_key"],
    ["__proto__ in escapes", '{"\\u005f_proto__":1}', "forbidden_key"],
    ["a lone surrogate in a value", '{"a":["\\ud800"]}', "lone_surrogate"],
    ["a lone surrogate in a key", '{"\\udfff":1}', "lone_surrogate"],
    ["bytes after the end", '{"a":1} {"b":2}', "not_json"],
    ["a NUL after the end", '{"a":1}\0', "not_json"],
    ["a byte order mark", '\ufeff{"a":1}', "not_json"],
    ["a comment", '{"a":1 /* b */}', "not_json"],
    ["a trailing comma", '{"a":1,}', "not_json"],
    ["single quotes", "{'a':1}", "not_json"],
    ["nothing", "", "not_json"],
    ["NaN", '{"a":NaN}', "not_json"],
    ["an integer that is rounded", '{"a":9007199254740993}', "unsafe_number"],
    ["a number that overflows", '{"a":[1e999]}', "unsafe_number"],
    ["nesting of 10,000", `${"[".repeat(10_000)}${"]".repeat(10_000)}`, "too_deep"],
    ["nesting of 10,000 objects", `${'{"a":'.repeat(10_000)}1${"}".repeat(10_000)}`, "too_deep"],
    ["nesting one too deep", "[[[[[[[1]]]]]]]", "too_deep"],
    ["a text that is too long", `"${"x".repeat(100_000)}"`, "too_long"],
  ])("refuses %s", (_what, text, problem) => {
    expect(refusal(text)).toMatchObject({ code: "APPROVAL_TEXT_INVALID", reason: "json", problem });
  });

  it("names the line and never a value", () => {
    expect(refusal('{\n"a":"secret",\n"a":"secret"}')).toEqual({
      code: "APPROVAL_TEXT_INVALID",
      reason: "json",
      problem: "duplicate_key",
      key: "a",
      line: 3,
    });
  });

  it("is not misled by brackets, colons and quotes inside strings, and takes one key in several objects", () => {
    const text = '{"a":"{\\"a\\":1}","b":"[[[[[[[[[[","c":":","d\\\\":"\\\\","e":[{"a":1},{"a":2}]}';
    expect(parse(text)).toEqual(JSON.parse(text));
  });

  it("gives what was written for every value without such traps", () => {
    const plain = fc.letrec((tie) => ({
      leaf: fc.oneof(fc.string({ unit: "grapheme" }), fc.integer(), fc.boolean(), fc.constant(null)),
      node: fc.oneof(
        { maxDepth: 3, withCrossShrink: true },
        tie("leaf"),
        fc.array(tie("node"), { maxLength: 4 }),
        fc.dictionary(
          fc.string().filter((key) => key !== "__proto__"),
          tie("node"),
          { maxKeys: 4 },
        ),
      ),
    })).node;
    fc.assert(
      fc.property(plain, fc.constantFrom(0, 2), (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        expect(JSON.stringify(parse(text))).toBe(JSON.stringify(value));
      }),
      { numRuns: 500 },
    );
  });

  it("never fails but by its code, whatever the text", () => {
    const noise = fc
      .array(fc.constantFrom("{", "}", "[", "]", '"', "\\", ":", ",", "a", "1", "\\u", "d800", "__proto__", "\n", "\0", "-", "e9"))
      .map((parts) => parts.join(""));
    fc.assert(
      fc.property(noise, (text) => {
        const found = refusal(text);
        expect(
          found === "accepted" ||
            (typeof found === "object" && found !== null && "code" in found && found.code === "APPROVAL_TEXT_INVALID"),
        ).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });
});
