// cutter audit verify as people meet it: a run of this host, a bundle on another machine, keys given or not, and the exit codes.
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { makeCli, type Cli } from "../../support/worlds/cli.ts";
import { documentId, makeWorld, runId, type World } from "../../support/worlds/world.ts";
import { makeLiveRunFiles, type LiveRunFiles } from "../../support/live-run-files.ts";

let world: World;
let cli: Cli;
beforeEach(async () => {
  world = await makeWorld();
  cli = await makeCli(world);
});
afterEach(() => world.remove());

const start = async (): Promise<number> =>
  (
    await cli.run(
      "orchestrate",
      "run",
      "--request",
      await cli.writeRequest(`${runId}.yaml`, {
        schema: "cutter.request/1",
        run_id: runId,
        document_id: documentId,
        mode: "dryrun",
        approvals: {},
      }),
    )
  ).code;
const dryRun = async (): Promise<void> => {
  if ((await start()) !== 0) throw new Error("the dry run failed");
};

describe("of a run that never began", () => {
  it.each([
    ["an empty folder", []],
    ["its request alone", ["request.yaml"]],
    ["a journal without a line", ["request.yaml", "journal.jsonl"]],
  ])("makes no statement, and says that none can be made: %s", async (_what, names) => {
    await mkdir(world.runFolder, { mode: 0o700 });
    for (const name of names) await writeFile(join(world.runFolder, name), "");
    const { code, stderr } = await cli.run("audit", "verify", "--run-id", runId);
    expect([code, stderr]).toEqual([10, expect.stringMatching(/^RUN_UNKNOWN .*reason=never_began/)]);
  });

  it("is not believed where anything else stands in its folder", async () => {
    await mkdir(world.runFolder, { mode: 0o700 });
    await writeFile(join(world.runFolder, "outcome.json"), "{}");
    expect((await cli.run("audit", "verify", "--run-id", runId)).code).toBe(30);
  });
});

describe("of a dry run", () => {
  it("passes on its folder, and on the bundle it left, which stands in the list of its files", async () => {
    await dryRun();
    const folder = await cli.run("audit", "verify", "--run-id", runId);
    expect(folder.stdout).toMatch(/\[OK\] 11 phase documents: bytes against receipts.*\n[^]*\[OK\] pass\n$/);
    expect(folder.code).toBe(0);
    expect(await world.readRunFile("EVIDENCE.sha256")).toMatch(/^[0-9a-f]{64} {2}audit-bundle\.tar$/m);
    // Elsewhere: the bundle alone, the world gone.
    const bundle = join(world.folder, "elsewhere.tar");
    await copyFile(join(world.runFolder, "audit-bundle.tar"), bundle);
    await rm(world.runFolder, { recursive: true });
    const elsewhere = await cli.run("audit", "verify", bundle, "--json");
    expect(JSON.parse(elsewhere.stdout)).toMatchObject({
      schema: "cutter.audit-verify/1",
      verdict: "pass",
      code: null,
      run_id: runId,
      mode: "dryrun",
      ended: true,
      findings: [],
      signatures_not_verified: 0,
    });
    expect(elsewhere.code).toBe(0);
    expect(cli.opened).toEqual(["engine"]);
  });

  it("fails with 30, names file and record, and says so in JSON too", async () => {
    await dryRun();
    await writeFile(join(world.runFolder, "plan.json"), "{}");
    const ran = await cli.run("audit", "verify", "--run-id", runId);
    expect(ran.code).toBe(30);
    expect(ran.stdout).toMatch(/^\[ERR\] AUDIT_EVIDENCE_DIFFERS .*what=file_changed .*file=plan\.json .*expected_sha256=[0-9a-f]{64}/m);
    expect(ran.stdout).toMatch(/\[ERR\] AUDIT_FAILED .* findings=\d+ → .+\n$/);
    const json = JSON.parse((await cli.run("audit", "verify", "--run-id", runId, "--json")).stdout) as {
      findings: { code: string; file: string }[];
    };
    expect(json.findings).toContainEqual(
      expect.objectContaining({ code: "AUDIT_EVIDENCE_DIFFERS", what: "plan_invalid", file: "plan.json" }),
    );
  });

  it("is told that it has not ended while it waits, and holds as far as it came", async () => {
    world.outage.on = "writes";
    expect(await start()).toBe(11);
    const ran = await cli.run("audit", "verify", "--run-id", runId);
    expect(ran.stdout).toContain("[WARN] this run has not ended");
    expect(ran.code).toBe(0);
  });

  it("names a file of the list that is gone, and one that was added", async () => {
    await dryRun();
    await rm(join(world.runFolder, "grant-matrix.txt"));
    await writeFile(join(world.runFolder, "notes.txt"), "all was well");
    const { stdout } = await cli.run("audit", "verify", "--run-id", runId);
    expect(stdout).toMatch(/AUDIT_EVIDENCE_DIFFERS .* what=file_missing file=grant-matrix\.txt/);
    expect(stdout).toMatch(/AUDIT_EVIDENCE_DIFFERS .* what=file_extra file=notes\.txt/);
  });

  it("is not blind to what lies in a revert's folder", async () => {
    await dryRun();
    await mkdir(join(world.runFolder, "revert"), { mode: 0o700 });
    await writeFile(join(world.runFolder, "revert/journal.jsonl"), "{}\n");
    const ran = await cli.run("audit", "verify", "--run-id", runId);
    expect(ran.code).toBe(30);
    expect(ran.stdout).toMatch(/what=chain_broken file=revert\/journal\.jsonl/);
  });

  it("does not write, whatever it finds", async () => {
    await dryRun();
    const before = await digests();
    await cli.run("audit", "verify", "--run-id", runId);
    expect(await digests()).toEqual(before);

    async function digests(): Promise<readonly string[]> {
      const names = (await readdir(world.runFolder, { recursive: true, withFileTypes: true }))
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name));
      return await Promise.all(
        names.toSorted().map(
          async (name) =>
            `${name} ${createHash("sha256")
              .update(await readFile(name))
              .digest("hex")}`,
        ),
      );
    }
  });
});

describe("of a live run's bundle", () => {
  let live: LiveRunFiles;
  beforeAll(async () => {
    live = await makeLiveRunFiles();
  }, 60_000);

  const write = async (): Promise<{ readonly bundle: string; readonly key: string }> => {
    const bundle = join(world.folder, "bundle.tar");
    const key = join(world.folder, "trusted.asc");
    await writeFile(bundle, live.bundle);
    await writeFile(key, live.key.bytes);
    return { bundle, key };
  };

  it("passes by the key and the fingerprint the reader gives", async () => {
    const { bundle, key } = await write();
    const ran = await cli.run("audit", "verify", bundle, "--sovereign-key", key, "--sovereign-fingerprint", live.key.pin.fingerprint);
    expect(ran.stdout).toContain("4 signatures verified by the keys you gave");
    expect(ran.stdout).toMatch(/\[INFO\] run run-1 \(live\); trusted keys: those given\n\[OK\] pass\n$/);
    expect(ran.code).toBe(0);
  });

  it("is not passed without a key: the signatures are reported as NOT VERIFIED, and the exit code is 10", async () => {
    const { bundle } = await write();
    const ran = await cli.run("audit", "verify", bundle);
    expect(ran.stdout).toContain("[WARN] 4 signatures NOT VERIFIED");
    expect(ran.stdout).toMatch(/\[ERR\] AUDIT_SIGNATURES_NOT_VERIFIED /);
    expect(ran.code).toBe(10);
  });

  it("fails by another key, whatever key lies in the bundle", async () => {
    const { bundle } = await write();
    const other = join(world.folder, "other.asc");
    await writeFile(other, live.otherKey.bytes);
    const ran = await cli.run(
      "audit",
      "verify",
      bundle,
      "--sovereign-key",
      other,
      "--sovereign-fingerprint",
      live.otherKey.pin.fingerprint,
    );
    expect(ran.stdout).toMatch(/AUDIT_EVIDENCE_DIFFERS .* what=approval_invalid .*problem=APPROVAL_SIGNER_NOT_PINNED /);
    expect(ran.code).toBe(30);
  });

  it("refuses a key file that is not of the fingerprint, a key without one, a bundle that is none, and both kinds at once", async () => {
    const { bundle, key } = await write();
    expect(
      await cli.run("audit", "verify", bundle, "--sovereign-key", key, "--sovereign-fingerprint", live.otherKey.pin.fingerprint),
    ).toMatchObject({ code: 30, stdout: expect.stringContaining("problem=KEY_FINGERPRINT_MISMATCH") });
    expect(await cli.run("audit", "verify", bundle, "--sovereign-key", key)).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^USAGE_INVALID /),
    });
    expect(await cli.run("audit", "verify", key)).toMatchObject({ code: 10, stderr: expect.stringMatching(/^AUDIT_BUNDLE_INVALID /) });
    expect(await cli.run("audit", "verify", join(world.folder, "absent.tar"))).toMatchObject({
      code: 10,
      stderr: expect.stringMatching(/^AUDIT_BUNDLE_INVALID .*absent/),
    });
    expect(await cli.run("audit", "verify", bundle, "--run-id", "run-1")).toMatchObject({ code: 2 });
    expect(await cli.run("audit", "verify")).toMatchObject({ code: 2 });
    expect(await cli.run("audit", "verify", "--run-id", "run-404")).toMatchObject({
      code: 10,
      stderr: expect.stringMatching(/^RUN_UNKNOWN /),
    });
  });
});
