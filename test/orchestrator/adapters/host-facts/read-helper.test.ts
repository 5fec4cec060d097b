// What the survey learns from its root helper, real programs standing in for it: the text, the helper's own refusal, or that it told
// nothing.
import { describe, expect, it } from "vitest";
import { readHelper } from "../../../../orchestrator/adapters/host-facts/read-helper.ts";
import { CutterError } from "../../../../orchestrator/core/errors.ts";
import { parseRefusalOutput, toRefusalOutput } from "../../../../orchestrator/core/host/refusal-output.ts";

const helper = (script: string) => readHelper("/bin/sh", ["-c", script], { PATH: "/usr/bin:/bin" });

describe("a root helper that gathers facts", () => {
  it("gives what it printed", async () => {
    expect(await helper("printf 'uid\\t0\\n'")).toBe("uid\t0\n");
  });

  it("keeps code, facts and remedy of its refusal", async () => {
    const refusal = new CutterError("HOST_FILE_MISSING", { file: "/etc/cutter/it's.yaml", tried: ["a", "b"], count: 2, absent: null });
    const line = toRefusalOutput(refusal).trimEnd().replaceAll("'", "'\\''");
    await expect(helper(`printf 'uid\\t0\\n'; printf '%s\\n' '${line}'; exit 78`)).rejects.toMatchObject({
      code: refusal.code,
      facts: refusal.facts,
      remedy: refusal.remedy,
      exitCode: 78,
    });
  });

  it.each([
    ["ends without a word", "exit 3", { exit_code: 3, signal: null }],
    ["names a code nobody knows", `printf 'refused\\t{"code":"toString","facts":{}}\\n'; exit 3`, { exit_code: 3 }],
    ["is killed", "kill -9 $$", { exit_code: null, signal: "SIGKILL" }],
  ])("is a refusal with a code of our own when it %s", async (_what, script, facts) => {
    await expect(helper(script)).rejects.toMatchObject({ code: "SURVEY_FACTS_UNREADABLE", facts });
  });

  it("is a refusal when it is not there", async () => {
    await expect(readHelper("/nonexistent/cutter-root", ["host-facts"], {})).rejects.toMatchObject({
      code: "SURVEY_FACTS_UNREADABLE",
      facts: { step: "cutter-root host-facts" },
    });
  });

  it("takes no line for a refusal but the last", () => {
    expect(parseRefusalOutput(`${toRefusalOutput(new CutterError("NOT_ROOT"))}end\tok\n`)).toBeNull();
  });
});
