// Canonical JSON: RFC 8785's own example, round trips, and every refusal.
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toCanonicalJson } from "../../../../orchestrator/core/encoding/canonical-json.ts";
import { sha256Hex, sha256OfJson } from "../../../../orchestrator/core/encoding/digest.ts";

const cyclic: Record<string, unknown> = {};
cyclic["self"] = [cyclic, cyclic];
let deep: unknown = 0;
for (let depth = 0; depth < 300; depth += 1) deep = [deep];

describe("canonical JSON", () => {
  it("writes RFC 8785's example as the RFC does, but for its integer beyond 2^53", () => {
    const value = {
      numbers: [4.5, 2e-3, 0.000000000000000000000000001],
      string: '\u20ac$\u000f\nA\'B"\\\\"/',
      literals: [null, true, false],
    };
    expect(toCanonicalJson(value)).toBe(
      '{"literals":[null,true,false],"numbers":[4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
    );
  });

  it("sorts names by UTF-16 code units, as the RFC's second example", () => {
    const names = ["\u20ac", "\r", "\ufb33", "1", "\ud83d\ude00", "\u0080", "\u00f6"];
    expect(Object.keys(JSON.parse(toCanonicalJson(Object.fromEntries(names.map((name) => [name, 0])))) as object)).toEqual([
      "1",
      "\r",
      "\u0080",
      "\u00f6",
      "\u20ac",
      "\ud83d\ude00",
      "\ufb33",
    ]);
  });

  it("does not depend on the order names were given in, and reads back as the same value", () => {
    const plain = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.string(),
        fc.maxSafeInteger(),
        fc.boolean(),
        fc.constant(null),
        fc.array(tie("value"), { maxLength: 4 }),
        fc.dictionary(
          fc.string().filter((name) => name !== "__proto__" && name !== "toJSON"),
          tie("value"),
          { maxKeys: 4 },
        ),
      ),
    })).value;
    fc.assert(
      fc.property(plain, (value) => {
        const text = toCanonicalJson(value);
        expect(toCanonicalJson(JSON.parse(text))).toBe(text);
        const reversed: unknown = JSON.parse(text, (_, member: unknown) =>
          member !== null && typeof member === "object" && !Array.isArray(member)
            ? Object.fromEntries(Object.entries(member).toReversed())
            : member,
        );
        expect(toCanonicalJson(reversed)).toBe(text);
      }),
    );
  });

  it.each<[string, unknown, string]>([
    ["NaN", { a: [1, Number.NaN] }, "not_a_finite_number"],
    ["infinity", Number.POSITIVE_INFINITY, "not_a_finite_number"],
    ["an integer beyond 2^53", { a: 2 ** 53 }, "integer_beyond_2_53"],
    ["a large float without fraction", 1e21, "integer_beyond_2_53"],
    ["a lone surrogate", ["\ud800"], "lone_surrogate"],
    ["a lone surrogate in a name", { "\udc00": 1 }, "lone_surrogate_in_a_name"],
    ["undefined", undefined, "type_undefined"],
    ["a member that is undefined", { a: undefined }, "type_undefined"],
    ["a function", [() => 1], "type_function"],
    ["a bigint", 1n, "type_bigint"],
    ["a date", new Date(0), "not_a_plain_object"],
    ["bytes", Uint8Array.of(1), "not_a_plain_object"],
    ["an object with toJSON", { toJSON: () => 1 }, "to_json"],
    ["a hole in an array", Array.from({ length: 3 }).fill(1, 0, 1).concat(Array(1)), "type_undefined"],
    ["a sparse array", Array(2), "sparse_array"],
    ["a cycle", cyclic, "too_deep_or_cyclic"],
    ["nesting deeper than the bound", deep, "too_deep_or_cyclic"],
  ])("refuses %s", (_, value, reason) => {
    expect(() => toCanonicalJson(value)).toThrowError(
      expect.objectContaining({ code: "CANONICAL_JSON_REFUSED", facts: expect.objectContaining({ reason }) }),
    );
  });

  it("names the place", () => {
    expect(() => toCanonicalJson({ a: [{ b: Number.NaN }] })).toThrowError(
      expect.objectContaining({ facts: { reason: "not_a_finite_number", at: "/a/0/b" } }),
    );
  });
});

it("digests are of UTF-8 bytes, in lower-case hex", () => {
  expect(sha256Hex("")).toBe("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  expect(sha256Hex("đ")).toBe(sha256Hex(Uint8Array.of(0xc4, 0x91)));
  expect(sha256OfJson({ b: 1, a: 2 })).toBe(sha256Hex('{"a":2,"b":1}'));
});
