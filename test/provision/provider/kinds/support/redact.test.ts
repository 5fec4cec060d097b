// What of a drifted file may reach state and terminal.
import fc from "fast-check";
import { expect, it } from "vitest";
import { toShownContent } from "../../../../../provision/provider/kinds/support/redact.ts";

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
  ["limit: Xk7-19d2", "Xk7-19d2"],
  ["note: its name is Tuesday", "Tuesday"],
  ["# Tuesday", "Tuesday"],
  ["ExecStart=/bin/tool --with Tuesday", "Tuesday"],
  ["dHVlc2RheXNlY3JldA==", "dHVlc2"],
  ["123456", "123456"],
])("cuts the secret out of %s", (line, secret) => {
  const shown = show(`${wanted}${line}\n`);
  expect(shown).not.toContain(secret);
  expect(shown).toContain("[REDACTED]");
});

it("still tells what changed where it can: the name of a value, numbers, booleans, words that are wanted too", () => {
  expect(show("limit: 99\nextra_password: hunter2\nfingerprint: limit\nNoNewPrivileges=no\n")).toBe(
    "limit: 99\nextra_password: [REDACTED]\nfingerprint: limit\nNoNewPrivileges=no\n",
  );
});

it("lets no secret through wherever it is put, whatever it looks like", () => {
  const secret = fc.stringMatching(/^[!-9?-~]{8,40}$/).filter((text) => !/[,;"'`()[\]{}<>|&]|^[A-Za-z_-]*$/.test(text));
  fc.assert(
    fc.property(
      secret,
      fc.constantFrom("", "limit: ", "fingerprint: 40D1 ", "# ", "Environment=A=", "- "),
      fc.constantFrom("", " ", "\nlimit: 10", "="),
      (text, before, after) => {
        expect(show(`${before}${text}${after}`)).not.toContain(text);
      },
    ),
  );
});

it("describes what is no text, or too large, and never quotes it", () => {
  expect(toShownContent(Buffer.from([0xff, 0xfe]), 2, wanted)).toBe("(2 bytes that are not text)\n");
  expect(toShownContent(null, 9_000_000, wanted)).toBe("(9000000 bytes, too large to show)\n");
});
