// Env files: what is accepted is read alike by every reader; everything else about our keys is refused by line and name, never by value.
import { describe, expect, test } from "vitest";
import { CutterError } from "../../../../orchestrator/core/errors.ts";
import { parseEnvFile } from "../../../../orchestrator/core/host/env-file.ts";
import { resolveEnvNames, revertNames, toNeededNames, type ParsedEnvFiles } from "../../../../orchestrator/core/host/env-sources.ts";

const valueOf = (
  text: string,
  name: "AGENT_DATA_API_KEY" | "DIRECTUS_SECDEF_DSN" | "DOT_CUTTER_DB_HOST" = "AGENT_DATA_API_KEY",
): string | undefined => parseEnvFile(Buffer.from(text), "/env").get(name)?.reveal();

function refusalOf(action: () => unknown): CutterError {
  try {
    action();
  } catch (error) {
    if (error instanceof CutterError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

describe("one env file", () => {
  test("single quotes and plain values are taken as they stand", () => {
    expect(valueOf("AGENT_DATA_API_KEY='a b#c$d \"e\"'\n")).toBe('a b#c$d "e"');
    expect(valueOf("AGENT_DATA_API_KEY=a/b:c@d%e+f,g=h?i&j-k.l_m")).toBe("a/b:c@d%e+f,g=h?i&j-k.l_m");
    expect(valueOf("DIRECTUS_SECDEF_DSN=postgresql://u:p@127.0.0.1:5432/d?sslmode=disable&x=1\n", "DIRECTUS_SECDEF_DSN")).toBe(
      "postgresql://u:p@127.0.0.1:5432/d?sslmode=disable&x=1",
    );
  });

  test("a business's own lines are not judged, whatever they hold", () => {
    const business = [
      "# AGENT_DATA_API_KEY=old",
      "MOTD=it's fine # really",
      'A="x\\"y" ',
      "B=`ls`",
      "export C=$HOME",
      "D==#$'\"",
      "  E = 'f'",
      "MY_AGENT_DATA_API_KEY=other",
      "AGENT_DATA_API_KEY_OLD=other",
      "",
    ].join("\n");
    expect(valueOf(`${business}\nAGENT_DATA_API_KEY=right\n`)).toBe("right");
  });

  test.each([
    ["a space before the name", " AGENT_DATA_API_KEY=s3cret"],
    ["export", "export AGENT_DATA_API_KEY=s3cret"],
    ["a space around =", "AGENT_DATA_API_KEY = s3cret"],
    ["a colon", "AGENT_DATA_API_KEY: s3cret"],
    ["a quoted name", '"AGENT_DATA_API_KEY"=s3cret'],
    ["double quotes", 'AGENT_DATA_API_KEY="s3cret"'],
    ["backticks", "AGENT_DATA_API_KEY=`s3cret`"],
    ["a dollar sign", "AGENT_DATA_API_KEY=s3cret$$x"],
    ["a hash", "AGENT_DATA_API_KEY=s3cret#x"],
    ["an unbalanced quote", "AGENT_DATA_API_KEY='s3cret"],
    ["a quote inside quotes", "AGENT_DATA_API_KEY='s3'cret'"],
    ["a backslash inside quotes", "AGENT_DATA_API_KEY='s3\\cret'"],
    ["a trailing blank", "AGENT_DATA_API_KEY=s3cret "],
    ["a carriage return", "AGENT_DATA_API_KEY=s3cret\r"],
    ["a byte order mark", "\uFEFFAGENT_DATA_API_KEY=s3cret"],
    ["something after the quotes", "AGENT_DATA_API_KEY='s3cret' # note"],
  ])("%s is refused by line and name, without the value", (_what, line) => {
    const refusal = refusalOf(() => valueOf(`X=1\n${line}\nY=2\n`));
    expect(refusal.code).toBe("ENV_LINE_AMBIGUOUS");
    expect(refusal.facts).toMatchObject({ file: "/env", line: 2, name: "AGENT_DATA_API_KEY" });
    expect(refusal.message).not.toContain("s3cret");
  });

  test.each([
    ["double quotes that close later", 'MOTD="hello\nAGENT_DATA_API_KEY=s3cret\nbye"\n'],
    ["single quotes that close later", "MOTD='hello\nAGENT_DATA_API_KEY=s3cret\nbye'\n"],
    ["quotes that never close", 'MOTD="hello\nAGENT_DATA_API_KEY=s3cret\n'],
  ])("a key of ours inside a value opened on an earlier line is refused: %s", (_what, text) => {
    const refusal = refusalOf(() => valueOf(text));
    expect(refusal.code).toBe("ENV_LINE_AMBIGUOUS");
    expect(refusal.facts["problem"]).toBe("inside a value that line 1 opens");
  });

  test("after the quotes closed, our key counts again", () => {
    expect(valueOf('MOTD="hello\nbye"\nAGENT_DATA_API_KEY=right\n')).toBe("right");
  });

  test("a key that stands twice is refused, even with the same value", () => {
    expect(refusalOf(() => valueOf("AGENT_DATA_API_KEY=a\nAGENT_DATA_API_KEY=a\n")).code).toBe("ENV_NAME_DOUBLED");
  });
});

describe("two env files", () => {
  const files = (docker: string, production: string): ParsedEnvFiles =>
    new Map([
      ["/opt/incomex/docker/.env", parseEnvFile(Buffer.from(docker), "docker")],
      ["/opt/incomex/secrets/.env.production", parseEnvFile(Buffer.from(production), "production")],
    ]);

  test("a name may stand in either, or in both with the same value", () => {
    expect(resolveEnvNames(files("", "DOT_CUTTER_DB_HOST=a"), ["DOT_CUTTER_DB_HOST"], {}).get("DOT_CUTTER_DB_HOST")?.reveal()).toBe("a");
    expect(
      resolveEnvNames(files("DOT_CUTTER_DB_HOST=a", "DOT_CUTTER_DB_HOST='a'"), ["DOT_CUTTER_DB_HOST"], {})
        .get("DOT_CUTTER_DB_HOST")
        ?.reveal(),
    ).toBe("a");
  });

  test("different values in both are refused without either value, also where the file is pinned", () => {
    const both = files("AGENT_DATA_API_KEY=s3cret1", "AGENT_DATA_API_KEY=s3cret2");
    const refusal = refusalOf(() => resolveEnvNames(both, ["AGENT_DATA_API_KEY"], { AGENT_DATA_API_KEY: "/opt/incomex/docker/.env" }));
    expect(refusal.code).toBe("ENV_NAME_CONFLICT");
    expect(refusal.message).not.toContain("s3cret");
  });

  test("BACKUP_GPG_FPR counts in the Docker env file only, unless the configuration says otherwise", () => {
    const inProduction = files("", "BACKUP_GPG_FPR=AB");
    expect(refusalOf(() => resolveEnvNames(inProduction, ["BACKUP_GPG_FPR"], {})).code).toBe("ENV_NAME_MISSING");
    expect(
      resolveEnvNames(inProduction, ["BACKUP_GPG_FPR"], { BACKUP_GPG_FPR: "/opt/incomex/secrets/.env.production" })
        .get("BACKUP_GPG_FPR")
        ?.reveal(),
    ).toBe("AB");
  });

  test("an empty value is a missing one", () => {
    expect(refusalOf(() => resolveEnvNames(files("DOT_CUTTER_DB_HOST=", ""), ["DOT_CUTTER_DB_HOST"], {})).code).toBe("ENV_NAME_MISSING");
  });

  test("the governance principal's DSN is handed over only when it is pinned", () => {
    expect(toNeededNames({ governance_principal: "directus_secdef" })).toContain("DIRECTUS_SECDEF_DSN");
    expect(toNeededNames({ governance_principal: "cutter_exec" })).not.toContain("DIRECTUS_SECDEF_DSN");
    expect(toNeededNames({ governance_principal: null })).not.toContain("DIRECTUS_SECDEF_DSN");
  });

  test("no run is given the login of the revert, and no revert a login that could cut", () => {
    for (const governance_principal of ["directus_secdef", "cutter_exec", null] as const)
      expect(toNeededNames({ governance_principal }).filter((name) => name.includes("REVERT"))).toEqual([]);
    expect(revertNames.filter((name) => /REVERT|EXEC|VERIFY|SECDEF/.test(name))).toEqual([
      "DOT_CUTTER_REVERT_DB_USER",
      "DOT_CUTTER_REVERT_DB_PASSWORD",
    ]);
  });
});
