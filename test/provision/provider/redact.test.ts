// What of a drifted file may reach state and terminal.
import { expect, it } from "vitest";
import { toShownContent } from "../../../provision/provider/redact.ts";

const wanted = "fingerprint: 40D1B143DDED33E5FCBDC9C20F798400C1827467\nlimit: 10\n";
const show = (text: string) => toShownContent(Buffer.from(text), text.length, wanted);

it("keeps lines that are wanted anyway, however random they look", () => {
  expect(show(wanted)).toBe(wanted);
});

it.each([
  ["password: hunter2", "hunter2"],
  ["DOT_CUTTER_EXEC_DB_PASSWORD='p4ss'", "p4ss"],
  ["dsn=postgresql://u:p4ss@h/d", "p4ss"],
  ["link: https://u:p4ss@h/", "p4ss"],
  ["x: AGE-SECRET-KEY-1QQPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L", "QPZRY9X8GF2"],
  ["api_key = abc", "abc"],
])("cuts the secret out of %s", (line, secret) => {
  const shown = show(`${wanted}${line}\n`);
  expect(shown).not.toContain(secret);
  expect(shown).toContain("[REDACTED]");
});

it("describes what is no text, or too large, and never quotes it", () => {
  expect(toShownContent(Buffer.from([0xff, 0xfe]), 2, wanted)).toBe("(2 bytes that are not text)\n");
  expect(toShownContent(null, 9_000_000, wanted)).toBe("(9000000 bytes, too large to show)\n");
});
