// What is JSON, what is none, and that the two never look alike.
import { expect, it } from "vitest";
import { tryParseJson } from "../../../../orchestrator/core/encoding/try-parse-json.ts";

it("gives the value of a text or of its UTF-8 bytes, null included", () => {
  expect(tryParseJson('{"a":[1,"ä"]}')).toEqual({ a: [1, "ä"] });
  expect(tryParseJson(Buffer.from('{"a":[1,"ä"]}'))).toEqual({ a: [1, "ä"] });
  expect(tryParseJson("null")).toBeNull();
});

it.each([
  ["absent content", null],
  ["an empty text", ""],
  ["a cut text", '{"a":'],
  ["a byte order mark", Buffer.from("\ufeff{}")],
  ["bytes that are not UTF-8", Buffer.from([0x22, 0xff, 0x22])],
])("gives undefined for %s", (_name, content) => {
  expect(tryParseJson(content)).toBeUndefined();
});
