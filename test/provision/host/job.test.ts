// Named jobs: what a lost connection leaves to be read again, and what of a job's failure is told.
import { expect, it } from "vitest";
import type { CommandOutcome, RemoteHost } from "../../../provision/host/connection.ts";
import { createJobRunner } from "../../../provision/host/job.ts";
import { localAddress } from "../../support/local-host.ts";

const ok = (stdout: string): CommandOutcome => ({ code: 0, stdout, stderr: "" });
const cut: CommandOutcome = { code: null, stdout: "", stderr: "", problem: "the connection is closed" };
const job = { name: "note", script: "true", args: [], timeoutMs: 5_000 };

/** A host that gives these answers, one per command. */
function runWith(...answers: readonly CommandOutcome[]) {
  const left = [...answers];
  const scripts: string[] = [];
  const run: RemoteHost["run"] = async (_script, args) => {
    scripts.push(args.join(" "));
    const answer = left.shift();
    if (answer === undefined) throw new Error("one command more than expected");
    return answer;
  };
  const host: RemoteHost = { address: localAddress, isOpen: () => true, run, close: () => undefined };
  return { outcome: createJobRunner(async () => host).run(job), scripts, left };
}

it("is done when it ended with 0, with one command", async () => {
  const { outcome, left } = runWith(ok(""));
  expect(await outcome).toEqual({ state: "done" });
  expect(left).toEqual([]);
});

it("tells the exit code and what the job said of a failure", async () => {
  await expect(runWith({ code: 17, stdout: "", stderr: "not a regular file\n" }).outcome).rejects.toMatchObject({ code: "HOST_COMMAND_FAILED", facts: { code: 17, stderr: "not a regular file" } });
});

it("waits for a job that outlived the connection, and takes the result it left", async () => {
  expect(await runWith(cut, ok("running\n"), ok("ended 0\n")).outcome).toEqual({ state: "done" });
  await expect(runWith(cut, ok("ended 18\n")).outcome).rejects.toMatchObject({ code: "HOST_COMMAND_FAILED", facts: { code: 18 } });
});

it("says unknown, and what was seen, when no result can be read", async () => {
  expect(await runWith(cut, ok("gone\n")).outcome).toMatchObject({ state: "unknown", problem: expect.stringContaining("the host knows no such job") });
  expect(await runWith(cut, cut).outcome).toMatchObject({ state: "unknown", problem: expect.stringContaining("the connection is closed") });
});

it("names its unit anew each time, so that two jobs never share a result", async () => {
  const first = runWith(ok(""));
  const second = runWith(ok(""));
  await Promise.all([first.outcome, second.outcome]);
  const unitOf = (scripts: readonly string[]) => scripts[0]?.split(" ")[0];
  expect(unitOf(first.scripts)).toMatch(/^cutter-job-note-[0-9a-f]{8}$/);
  expect(unitOf(first.scripts)).not.toBe(unitOf(second.scripts));
});
