// How a step of the sandbox ends: its output, its failure with what it said, or the program that is not installed.
import { expect, it } from "vitest";
import { mustRun, runCommand } from "../../../../provision/sandbox/base/process.ts";

it("gives what the program printed", async () => {
  expect(await mustRun("print", ["printf", "%s", "as asked"])).toBe("as asked");
});

it("names the step that failed, its exit code and its last words", async () => {
  await expect(mustRun("make a thing", ["sh", "-c", "echo no room >&2; exit 3"])).rejects.toMatchObject({
    code: "SANDBOX_STEP_FAILED",
    facts: { step: "make a thing", exit_code: 3, said: "no room" },
  });
});

it("names the program that this machine lacks", async () => {
  await expect(runCommand(["cutter-no-such-program"])).rejects.toMatchObject({
    code: "SANDBOX_MACHINE_UNFIT",
    facts: { reason: "program_missing", program: "cutter-no-such-program" },
  });
});
