// The spawn adapter: exit codes, the explicit environment, the deadline and the cap, seen from real programs.
import { PassThrough, Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import { runProcess, type ProcessRequest } from "../../../../orchestrator/adapters/process/run-process.ts";

const run = (script: string, changes: Partial<ProcessRequest> = {}) =>
  runProcess({
    file: "sh",
    args: ["-c", script],
    env: { PATH: "/usr/bin:/bin" },
    stdin: null,
    stdout: "keep",
    deadlineMs: 10_000,
    keepBytesMax: 4096,
    ...changes,
  });

describe("a program the orchestrator starts", () => {
  it("gives its exit code, its output and its complaint", async () => {
    expect(await run("echo out; echo complaint >&2; exit 3")).toEqual({ code: 3, stdout: Buffer.from("out\n"), stderr: "complaint\n" });
  });

  it("sees nothing of our own environment", async () => {
    const { stdout } = await run("env", { file: "/usr/bin/env", args: [], env: { ONLY: "this" } });
    expect(stdout.toString()).toBe("ONLY=this\n");
  });

  it("reads what is fed to it, and may stop reading early", async () => {
    expect((await run("cat", { stdin: Buffer.from("fed") })).stdout.toString()).toBe("fed");
    const endless = Readable.from(
      (function* () {
        for (let i = 0; i < 10_000; i += 1) yield Buffer.alloc(65_536);
      })(),
    );
    expect((await run("head -c 1 >/dev/null; exit 4", { stdin: endless })).code).toBe(4);
  });

  it("keeps its exit code when it ends while its source still has nothing to say", async () => {
    const waiting = new PassThrough();
    expect((await run("exit 4", { stdin: waiting })).code).toBe(4);
    expect(waiting.destroyed).toBe(true);
  });

  it("keeps its exit code when its source had already said everything", async () => {
    for (const bytes of [1, 65_536, 1_000_000])
      expect((await run("exec 0<&-; exit 4", { stdin: Readable.from([Buffer.alloc(bytes)]) })).code).toBe(4);
  });

  it("is not taken for fed when its source breaks off, with an error or without", async () => {
    const given = new PassThrough();
    given.write("part");
    const failed = run("cat >/dev/null", { stdin: given });
    given.destroy();
    await expect(failed).rejects.toMatchObject({ code: "ERR_STREAM_PREMATURE_CLOSE" });
    const broken = Readable.from(
      (function* () {
        yield Buffer.from("part");
        throw new Error("the source broke off");
      })(),
    );
    await expect(run("cat >/dev/null", { stdin: broken })).rejects.toThrow("the source broke off");
  });

  it("is killed at its deadline, at its cap, and told apart from one that killed itself", async () => {
    await expect(run("exec tail -f /dev/null", { deadlineMs: 100 })).rejects.toMatchObject({
      code: "PROCESS_FAILED",
      facts: { reason: "deadline" },
    });
    await expect(run("exec yes", { keepBytesMax: 1000 })).rejects.toMatchObject({
      code: "PROCESS_FAILED",
      facts: { reason: "output_too_large" },
    });
    await expect(run("kill -9 $$")).rejects.toMatchObject({ code: "PROCESS_FAILED", facts: { reason: "killed", signal: "SIGKILL" } });
    await expect(run("", { file: "/nonexistent/program" })).rejects.toMatchObject({
      code: "PROCESS_FAILED",
      facts: { reason: "not_started" },
    });
  });
});
