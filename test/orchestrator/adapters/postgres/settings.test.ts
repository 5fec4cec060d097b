// Settings of the logins: strict, and no value of a refused setting in any message.
import { assert as holds, pre, property, string } from "fast-check";
import { describe, expect, test } from "vitest";
import { toClientConfig } from "../../../../orchestrator/adapters/postgres/connection.ts";
import { parseDsn, readDatabaseSettings, type EnvSource } from "../../../../orchestrator/adapters/postgres/settings.ts";
import { parseEnvFile } from "../../../../orchestrator/core/host/env-file.ts";
import { CutterError } from "../../../../orchestrator/core/errors.ts";
import { Secret } from "../../../../orchestrator/core/host/secret.ts";
import { toRefusal } from "../../../support/refusal-case.ts";

const good: Readonly<Record<string, string>> = {
  DOT_CUTTER_DB_HOST: "127.0.0.1",
  DOT_CUTTER_DB_PORT: "5432",
  DOT_CUTTER_DB_NAME: "directus",
  DOT_CUTTER_DB_SSLMODE: "disable",
  DOT_CUTTER_EXEC_DB_USER: "cutter_exec",
  DOT_CUTTER_EXEC_DB_PASSWORD: "exec-pw",
  DOT_CUTTER_VERIFY_DB_USER: "cutter_verify",
  DOT_CUTTER_VERIFY_DB_PASSWORD: "verify-pw",
  DOT_CUTTER_READONLY_DB_USER: "context_pack_readonly",
  DOT_CUTTER_READONLY_DB_PASSWORD: "readonly-pw",
  DIRECTUS_SECDEF_DSN: "postgresql://directus_secdef:p%40ss%2Fw%3Drd@127.0.0.1:5432/directus?sslmode=disable",
};

function toEnv(changes: Readonly<Record<string, string>> = {}): EnvSource {
  const values = { ...good, ...changes };
  const value = (name: string): string => values[name] ?? "";
  return { read: (name) => Promise.resolve(new Secret(value(name))), readPlain: (name) => Promise.resolve(value(name)) };
}

test("each login has its own credentials on the same server", async () => {
  const { logins } = await readDatabaseSettings(toEnv(), "directus_secdef");
  expect(logins.cutter_exec).toMatchObject({
    host: "127.0.0.1",
    port: 5432,
    database: "directus",
    user: "cutter_exec",
    sslMode: "disable",
  });
  expect(logins.context_pack_readonly.password.reveal()).toBe("readonly-pw");
  expect(logins.governance?.user).toBe("directus_secdef");
  expect(logins.governance?.password.reveal()).toBe("p@ss/w=rd");
});

test("the governance login is nobody, cutter_exec, or the DSN's, as pinned", async () => {
  expect((await readDatabaseSettings(toEnv(), null)).logins.governance).toBeNull();
  expect((await readDatabaseSettings(toEnv({ DIRECTUS_SECDEF_DSN: "nonsense" }), "cutter_exec")).logins.governance?.user).toBe(
    "cutter_exec",
  );
});

describe("refused settings, by name and never by value", () => {
  test.each([
    ["DOT_CUTTER_DB_SSLMODE", "prefer", "DATABASE_SETTINGS_INVALID reason=sslmode"],
    ["DOT_CUTTER_DB_SSLMODE", "allow", "DATABASE_SETTINGS_INVALID reason=sslmode"],
    ["DOT_CUTTER_DB_SSLMODE", "bogus", "DATABASE_SETTINGS_INVALID reason=sslmode"],
    ["DOT_CUTTER_DB_SSLMODE", "", "DATABASE_SETTINGS_INVALID reason=sslmode"],
    ["DOT_CUTTER_DB_HOST", "/var/run/postgresql", "DATABASE_SETTINGS_INVALID"],
    ["DOT_CUTTER_DB_HOST", "a b", "DATABASE_SETTINGS_INVALID"],
    ["DOT_CUTTER_DB_PORT", "0", "DATABASE_SETTINGS_INVALID"],
    ["DOT_CUTTER_DB_PORT", "65536", "DATABASE_SETTINGS_INVALID"],
    ["DOT_CUTTER_DB_PORT", "5432 ", "DATABASE_SETTINGS_INVALID"],
    ["DOT_CUTTER_DB_NAME", "a;b", "DATABASE_SETTINGS_INVALID"],
    ["DIRECTUS_SECDEF_DSN", "postgresql://directus_secdef:hunter2@127.0.0.1:5432/directus", "DATABASE_SETTINGS_INVALID reason=dsn"],
    [
      "DIRECTUS_SECDEF_DSN",
      "postgresql://directus_secdef:hunter2@127.0.0.1:5432/directus?sslmode=disable&host=evil",
      "DATABASE_SETTINGS_INVALID reason=dsn",
    ],
    [
      "DIRECTUS_SECDEF_DSN",
      "postgresql://directus_secdef:hunter2@127.0.0.1:5432/directus?sslmode=prefer",
      "DATABASE_SETTINGS_INVALID reason=sslmode",
    ],
    ["DIRECTUS_SECDEF_DSN", "postgresql://directus_secdef@127.0.0.1:5432/directus?sslmode=disable", "DATABASE_SETTINGS_INVALID reason=dsn"],
    [
      "DIRECTUS_SECDEF_DSN",
      "postgresql://directus_secdef:hunter2@127.0.0.1/directus?sslmode=disable",
      "DATABASE_SETTINGS_INVALID reason=dsn",
    ],
    [
      "DIRECTUS_SECDEF_DSN",
      "postgresql://directus_secdef:hunter2%@127.0.0.1:5432/directus?sslmode=disable",
      "DATABASE_SETTINGS_INVALID reason=dsn",
    ],
    [
      "DIRECTUS_SECDEF_DSN",
      "postgresql://directus_secdef:hunter2%00@127.0.0.1:5432/directus?sslmode=disable",
      "DATABASE_SETTINGS_INVALID reason=dsn",
    ],
    [
      "DIRECTUS_SECDEF_DSN",
      "postgresql://directus_secdef:hunter2@[::1]:5432/directus?sslmode=disable",
      "DATABASE_SETTINGS_INVALID reason=dsn",
    ],
    [
      "DIRECTUS_SECDEF_DSN",
      "postgresql://workflow_admin:hunter2@127.0.0.1:5432/directus?sslmode=disable",
      "DATABASE_SETTINGS_INVALID reason=dsn",
    ],
    [
      "DIRECTUS_SECDEF_DSN",
      "postgresql://directus_secdef:hunter2@127.0.0.1:5432/other?sslmode=disable",
      "DATABASE_SETTINGS_INVALID reason=dsn",
    ],
    ["DIRECTUS_SECDEF_DSN", "host=127.0.0.1 password=hunter2", "DATABASE_SETTINGS_INVALID reason=dsn"],
  ])("%s=%j", async (name, value, code) => {
    const refused = await readDatabaseSettings(toEnv({ [name]: value }), "directus_secdef").then(
      () => null,
      (error: unknown) => error,
    );
    expect(refused).toMatchObject({ ...toRefusal(code), facts: { ...toRefusal(code).facts, name } });
    expect(String(refused)).not.toContain("hunter2");
  });
});

test("a DSN gives back the password it was made from, whatever the password is", () => {
  holds(
    property(string({ minLength: 1, unit: "grapheme" }), (password) => {
      pre(!password.includes("\0") && password.isWellFormed());
      const dsn = `postgresql://directus_secdef:${encodeURIComponent(password)}@db.local:6543/directus?sslmode=verify-full`;
      expect(parseDsn(new Secret(dsn)).password.reveal()).toBe(password);
    }),
  );
});

test("a DSN from an unquoted line of an env file keeps ? and & in the password, encoded or, for &, as it stands", () => {
  const read = (password: string): string => {
    const line = `DIRECTUS_SECDEF_DSN=postgresql://directus_secdef:${password}@127.0.0.1:5432/directus?sslmode=disable\n`;
    return parseDsn(parseEnvFile(Buffer.from(line), "/env").get("DIRECTUS_SECDEF_DSN") ?? new Secret("")).password.reveal();
  };
  expect(read("a%3Fb%26c%3Dd")).toBe("a?b&c=d");
  expect(read("a&b")).toBe("a&b");
  expect(() => read("a?sslmode=disable&b")).toThrow(
    new CutterError("DATABASE_SETTINGS_INVALID", { reason: "dsn", name: "DIRECTUS_SECDEF_DSN", part: "shape" }),
  ); // a bare ? ends the address in every URL reader
});

test("any text that is no DSN is refused with a code and without itself", () => {
  holds(
    property(string({ maxLength: 80 }), (text) => {
      const expected = new CutterError("DATABASE_SETTINGS_INVALID", { reason: "dsn", name: "DIRECTUS_SECDEF_DSN", part: "shape" });
      expect(() => parseDsn(new Secret(`x${text}`))).toThrow(expected);
    }),
  );
});

test("verify-full checks the server's name, verify-ca its authority, require encrypts, disable says so", async () => {
  const ssl = async (mode: string) =>
    toClientConfig((await readDatabaseSettings(toEnv({ DOT_CUTTER_DB_SSLMODE: mode }), null)).logins.cutter_exec, 1000).ssl;
  expect(await ssl("disable")).toBe(false);
  expect(await ssl("require")).toMatchObject({ rejectUnauthorized: false });
  expect(await ssl("verify-ca")).toMatchObject({ rejectUnauthorized: true });
  expect(await ssl("verify-full")).toMatchObject({ rejectUnauthorized: true, servername: "127.0.0.1" });
  expect(await ssl("verify-full")).not.toHaveProperty("checkServerIdentity");
});
