// Named jobs: what a lost connection leaves to be read again, and what of a job's failure is told.
import { spawnSync } from "node:child_process";
import { expect, it } from "vitest";
import { CutterError } from "../../../orchestrator/core/errors.ts";
import type { CommandOutcome, RemoteHost } from "../../../provision/host/connection.ts";
import { createJobRunner } from "../../../provision/host/job.ts";
import { localAddress } from "../../support/hosts/local-host.ts";

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
  return {
    outcome: createJobRunner(
      async () => host,
      async () => undefined,
    ).run(job),
    scripts,
    left,
  };
}

it("is done when it ended with 0, with one command", async () => {
  const { outcome, left } = runWith(ok(""));
  expect(await outcome).toEqual({ state: "done" });
  expect(left).toEqual([]);
});

it("tells the exit code and what the job said of a failure", async () => {
  await expect(runWith({ code: 17, stdout: "", stderr: "not a regular file\n" }).outcome).rejects.toMatchObject({
    code: "HOST_COMMAND_FAILED",
    facts: { code: 17, stderr: "not a regular file" },
  });
});

it("calls a full disk a full disk, and names what was to be written", async () => {
  const host: RemoteHost = {
    address: localAddress,
    isOpen: () => true,
    close: () => undefined,
    run: async () => ({ code: 1, stdout: "", stderr: "before\ncat: write error: No space left on device\n" }),
  };
  const failure = createJobRunner(async () => host).run({ ...job, resource: "/etc/note" });
  await expect(failure).rejects.toMatchObject({
    code: "HOST_DISK_FULL",
    facts: { host: "local", resource: "/etc/note", reason: "ENOSPC", said: "cat: write error: No space left on device" },
  });
});

// A full, an inode-less or a read-only /run: mounted over this machine's in a namespace of the command's own.
it.each([
  ["size=4k", "head -c 4096 /dev/zero >/run/filler", "ENOSPC"],
  ["nr_inodes=1", "true", "ENOSPC"],
  ["ro", "true", "EROFS"],
])("names /run where it takes no job: a tmpfs with %s", async (options, fill, reason) => {
  const run: RemoteHost["run"] = async (script, args) => {
    const setUp = `mount -t tmpfs -o ${options} tmpfs /run && { ${fill}; script=$1; shift; exec sh -c "$script" sh "$@"; }`;
    const { status, stdout, stderr } = spawnSync("unshare", ["--mount", "sh", "-c", setUp, "sh", script, ...args], {
      encoding: "utf8",
      env: { PATH: process.env["PATH"], LC_ALL: "C" },
    });
    return { code: status, stdout, stderr };
  };
  const host: RemoteHost = { address: localAddress, isOpen: () => true, close: () => undefined, run };
  await expect(createJobRunner(async () => host).run({ ...job, resource: "/etc/note" })).rejects.toMatchObject({
    code: "HOST_DISK_FULL",
    facts: { reason, path: expect.stringMatching(/^\/run\/cutter-jobs/), resource: "/etc/note" },
  });
});

it("waits for a job that outlived the connection, and takes the result it left", async () => {
  expect(await runWith(cut, ok("running\n"), ok("ended 0\n")).outcome).toEqual({ state: "done" });
  await expect(runWith(cut, ok("ended 18\n")).outcome).rejects.toMatchObject({ code: "HOST_COMMAND_FAILED", facts: { code: 18 } });
});

it("says unknown, and what was seen, when no result can be read", async () => {
  expect(await runWith(cut, ok("gone\n")).outcome).toMatchObject({
    state: "unknown",
    problem: expect.stringContaining("the host knows no such job"),
  });
  expect(await runWith(cut, cut).outcome).toMatchObject({ state: "unknown", problem: expect.stringContaining("the connection is closed") });
});

it("tells what a failed job said although the connection was lost, and that no new one could be made", async () => {
  await expect(runWith(cut, ok("ended 18\nthe upload was cut\n")).outcome).rejects.toMatchObject({
    code: "HOST_COMMAND_FAILED",
    facts: { stderr: expect.stringMatching(/^the upload was cut \(seen after/) },
  });
  const lost: RemoteHost = { address: localAddress, isOpen: () => false, run: async () => cut, close: () => undefined };
  let asked = 0;
  const connect = async () => (++asked === 1 ? lost : Promise.reject(new CutterError("HOST_UNREACHABLE", {})));
  expect(await createJobRunner(connect).run(job)).toEqual({
    state: "unknown",
    problem: "the connection is closed; no new connection: HOST_UNREACHABLE",
  });
});

it("stops a job that waits for input that cannot come any more, after a grace, and does not wait for the job's own limit", async () => {
  const scripts: string[] = [];
  const run: RemoteHost["run"] = async (script) => {
    scripts.push(script);
    return scripts.length === 1 ? cut : ok("running\n");
  };
  const host: RemoteHost = { address: localAddress, isOpen: () => true, run, close: () => undefined };
  let waitedMs = 0;
  const runner = createJobRunner(
    async () => host,
    async (ms) => (waitedMs += ms),
  );
  const outcome = await runner.run({ ...job, timeoutMs: 600_000, stdin: Buffer.from("half") });
  expect(outcome).toMatchObject({ state: "unknown", problem: expect.stringContaining("was stopped") });
  expect(scripts.at(-1)).toMatch(/^systemctl stop /);
  expect(waitedMs).toBe(10_000);
});

it("names its unit anew each time, so that two jobs never share a result", async () => {
  const first = runWith(ok(""));
  const second = runWith(ok(""));
  await Promise.all([first.outcome, second.outcome]);
  const unitOf = (scripts: readonly string[]) => scripts[0]?.split(" ")[0];
  expect(unitOf(first.scripts)).toMatch(/^cutter-job-note-[0-9a-f]{8}$/);
  expect(unitOf(first.scripts)).not.toBe(unitOf(second.scripts));
});
