// cutter approval draft and verify as a person uses them: a dry run, a draft, stock gpg, a verdict, and exit codes.
import { execFileSync } from "node:child_process";
import { chmod, mkdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { nodeFiles } from "../../../orchestrator/adapters/node-files/node-files.ts";
import { readHostKeys } from "../../../orchestrator/trust/host-keys.ts";
import { sha256Hex } from "../../../orchestrator/core/encoding/digest.ts";
import { CutterError } from "../../../orchestrator/core/errors.ts";
import type { Clock } from "../../../orchestrator/ports/clock.ts";
import { makeCli, type Cli, type Ran } from "../../support/worlds/cli.ts";
import { documentId, makeWorld, runId, type World } from "../../support/worlds/world.ts";
import { createGpgHome, type GpgHome } from "../../support/gpg.ts";
import { sg1, sign, toDocument, toTime } from "../../support/approval-material.ts";

const live = runId.replace(".dryrun", "");
const host = sha256Hex("this host");

let home: GpgHome;
let fingerprint: string;
let keyFile: string;
let world: World;
let cli: Cli;
beforeAll(() => {
  home = createGpgHome();
  fingerprint = home.createKey("sovereign", { algorithm: "ed25519" });
  keyFile = home.exportKey(fingerprint, "sovereign.asc");
});
afterAll(() => home.remove());
beforeEach(async () => {
  world = await makeWorld();
  cli = await makeCli(world, { readHostIdentity: () => Promise.resolve(host), clock: today() });
});
afterEach(() => world.remove());

/** gpg signs by the machine's clock, so it is judged by it too. */
const today = (): Clock => ({
  now: () => new Date(),
  monotonicMs: () => world.clock.monotonicMs(),
  wait: (ms, signal) => world.clock.wait(ms, signal),
});
const trust = (): readonly string[] => ["--sovereign-key", keyFile, "--sovereign-fingerprint", fingerprint];
const verify = (file: string, ...more: readonly string[]): Promise<Ran> => cli.run("approval", "verify", file, ...trust(), ...more);

/** Writes the document, and its signature beside it. */
async function writeSigned(document: Uint8Array, name = "approval.md"): Promise<string> {
  const file = join(cli.folder, name);
  await writeFile(file, document);
  await writeFile(`${file}.asc`, sign(home, document, { key: fingerprint }));
  return file;
}

it("an unfit signature is named by its file", async () => {
  const file = await writeSigned(toDocument(sg1()));
  await writeFile(`${file}.asc`, "junk");
  const ran = await verify(file);
  expect([ran.code, ran.stderr]).toEqual([10, expect.stringMatching(/^APPROVAL_SIGNATURE_MALFORMED /)]);
  expect(ran.stderr).toContain(` file=${file}.asc `);
});

/** Dry run, draft, fill, sign: by the commands the draft prints. */
async function writeDrafted(...flags: readonly string[]): Promise<string> {
  await world.start();
  const drafted = await cli.run("approval", "draft", "--run-id", live, "--json", ...flags);
  expect(drafted.code).toBe(0);
  const {
    document,
    file_name: name,
    commands,
  } = JSON.parse(drafted.stdout) as { readonly document: string; readonly file_name: string; readonly commands: readonly string[] };
  await writeFile(join(cli.folder, name), document);
  execFileSync("sh", ["-euc", commands.join("\n")], {
    cwd: cli.folder,
    env: { PATH: process.env["PATH"], GNUPGHOME: home.directory },
    stdio: "pipe",
  });
  return join(cli.folder, name);
}

describe("approval draft", () => {
  it("prints the document alone on stdout, what to do with it on stderr, and changes nothing", async () => {
    await world.start();
    const drafted = await cli.run("approval", "draft", "--gate", "SG_1", "--run-id", live);
    expect(drafted.code).toBe(0);
    expect(drafted.stdout).toMatch(/^# SG_1 cut authorisation\n\n```cutter-approval\n/);
    expect(drafted.stdout).toContain(sha256Hex(Buffer.from(await world.readRunFile("plan.json"))));
    expect(drafted.stdout).toContain(documentId);
    expect(drafted.stderr).toContain("gpg --armor --output");
    expect(cli.opened).toEqual([]);
    await writeFile(join(cli.folder, "draft.md"), drafted.stdout);
    await writeFile(join(cli.folder, "draft.md.asc"), sign(home, Buffer.from(drafted.stdout), { key: fingerprint }));
    expect(await verify(join(cli.folder, "draft.md"))).toMatchObject({
      code: 10,
      stderr: expect.stringMatching(/^APPROVAL_PLACEHOLDER .*field=/),
    });
  });

  it("refuses a run that was not dry-run, is not done, or whose plan was changed since", async () => {
    const draft = (): Promise<Ran> => cli.run("approval", "draft", "--gate", "SG_1", "--run-id", live);
    expect(await draft()).toMatchObject({
      code: 10,
      stdout: "",
      stderr: expect.stringMatching(/^APPROVAL_DRY_RUN_UNFIT .*problem=absent/),
    });
    world.outage.on = "writes";
    await world.start();
    expect((await draft()).stderr).toMatch(/^APPROVAL_DRY_RUN_UNFIT .*expected=done found=waiting/);
    world.outage.on = "never";
    await world.start();
    expect((await draft()).code).toBe(0);
    const plan = join(world.runFolder, "plan.json");
    await writeFile(plan, (await readFile(plan, "utf8")).replace("}", " }"));
    expect((await draft()).stderr).toMatch(/^APPROVAL_DRY_RUN_UNFIT .*field=payload_sha/);
    await rm(plan);
    await symlink("/etc/hostname", plan);
    expect((await draft()).stderr).toMatch(/^APPROVAL_DRY_RUN_UNFIT .*not a plain file/);
  });

  it("asks nobody to sign what a live run would refuse, but for what a ruling may accept", async () => {
    await world.start();
    const file = join(world.runFolder, "outcome.json");
    const outcome = JSON.parse(await readFile(file, "utf8")) as { would_refuse: readonly object[] };
    const draft = async (code: string): Promise<Ran> => {
      await writeFile(file, JSON.stringify({ ...outcome, would_refuse: [...outcome.would_refuse, { code }] }));
      return await cli.run("approval", "draft", "--gate", "SG_1", "--run-id", live);
    };
    for (const code of ["ADDRESSES_TAKEN", "GRANT_MATRIX_MISMATCH", "REVERT_PRINCIPAL_NOT_PINNED"])
      expect(await draft(code)).toMatchObject({
        code: 10,
        stdout: "",
        stderr: expect.stringMatching(new RegExp(`^SIGN_NOTHING .* reason=would_refuse codes=${code} → sign nothing;`)),
      });
    expect((await draft("PRINCIPAL_TOO_STRONG")).code).toBe(0);
  });

  it("refuses a dry run that is not certified, and one of another run", async () => {
    await world.start();
    const file = join(world.runFolder, "outcome.json");
    const outcome = JSON.parse(await readFile(file, "utf8")) as object;
    for (const change of [
      { certificate: "inconclusive" },
      { certificate: null },
      { run_id: "other.dryrun" },
      { mode: "live" },
      { document_id: "../x" },
      { payload_sha: null },
    ]) {
      await writeFile(file, JSON.stringify({ ...outcome, ...change }));
      expect((await cli.run("approval", "draft", "--gate", "SG_1", "--run-id", live)).stderr).toMatch(/^APPROVAL_DRY_RUN_UNFIT /);
    }
  });

  it.each([
    ["an unknown gate", ["--gate", "SG_9", "--run-id", live]],
    ["no gate", ["--run-id", live]],
    ["a dry run's own id", ["--gate", "SG_1", "--run-id", runId]],
    ["a path as run id", ["--gate", "SG_1", "--run-id", "../x"]],
    ["SG_3 without phase and decision", ["--gate", "SG_3", "--run-id", live]],
    ["a phase for SG_1", ["--gate", "SG_1", "--run-id", live, "--phase", "cut_leg_a"]],
    ["a batch for SG_1", ["--gate", "SG_1", "--run-id", live, "--also-run", "run-2"]],
  ])("with %s exits 2", async (_what, inputs) => {
    expect(await cli.run("approval", "draft", ...inputs)).toMatchObject({ code: 2, stdout: "" });
  });
});

describe("approval verify", () => {
  it.each([
    ["SG_1", []],
    ["SG_2", []],
    ["SG_3", ["--phase", "write_verify", "--decision", "void"]],
    ["REVERT", []],
  ])("accepts a drafted, filled and signed %s, and compares it with the dry run", async (gate, flags) => {
    const file = await writeDrafted("--gate", gate, ...flags);
    const verified = await verify(file, "--run-id", live, "--gate", gate, "--json");
    expect(verified).toMatchObject({ code: 0, stderr: "" });
    expect(JSON.parse(verified.stdout)).toMatchObject({
      schema: "cutter.approval-verify/1",
      valid: true,
      approval: { gate, run_id: live, host },
      signers: [{ role: "sovereign", fingerprint }],
      human_signers: 1,
      compared: ["gate", "run_id", "document_id", "host", "release_sha256", "payload_sha"],
    });
    expect(cli.opened).toEqual([]);
  });

  it("says without --run-id that it compared nothing, and works where there is neither host nor configuration", async () => {
    const file = await writeSigned(toDocument(sg1()));
    const bare = await makeCli(await makeWorld(), { clock: today() });
    await rm(bare.services.paths.config);
    const ran = await bare.run("approval", "verify", file, ...trust());
    expect(ran).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^\[OK\] SG_1 approve run_id=run-1 .*\n\[OK\] signed by the sovereign [0-9A-F]{40} /),
    });
    expect(ran.stdout).toContain("[WARN] not compared with a run of this host");
    expect(bare.opened).toEqual([]);
  });

  it("refuses an approval that the document's rows or the host outran, each by its code, with what was expected and found", async () => {
    const file = await writeDrafted("--gate", "SG_1");
    const elsewhere = await makeCli(await reopen(), {
      readHostIdentity: () => Promise.resolve(sha256Hex("another host")),
      clock: cli.services.clock,
    });
    expect(await elsewhere.run("approval", "verify", file, ...trust(), "--run-id", live)).toMatchObject({
      code: 10,
      stderr: expect.stringMatching(new RegExp(`^APPROVAL_FOR_ANOTHER .*field=host expected=${sha256Hex("another host")} found=${host} `)),
    });
    expect((await verify(file, "--gate", "SG_2")).stderr).toMatch(/^APPROVAL_FOR_ANOTHER .*field=gate .*expected=SG_2 found=SG_1/);
    const other = (await readFile(file, "utf8")).replace(
      sha256Hex(Buffer.from(await world.readRunFile("plan.json"))),
      sha256Hex("another plan"),
    );
    expect((await verify(await writeSigned(Buffer.from(other)), "--run-id", live)).stderr).toMatch(
      /^APPROVAL_OUTDATED .*field=payload_sha /,
    );
    expect(await verify(file, "--run-id", live)).toMatchObject({ code: 0 });
  });

  it("refuses changed bytes, a missing signature and files that are none, and prints the JSON of the error", async () => {
    const file = await writeSigned(toDocument(sg1()));
    await writeFile(file, toDocument(sg1({ run_id: "run-2" })));
    const changed = await verify(file, "--json");
    expect(changed.code).toBe(10);
    expect(JSON.parse(changed.stdout)).toMatchObject({ schema: "cutter.error/1", code: "APPROVAL_SIGNATURE_BAD", exit_code: 10 });
    await rm(`${file}.asc`);
    expect((await verify(file)).stderr).toMatch(/^APPROVAL_SIGNATURES_WRONG .*reason=missing /);
    expect((await verify(file, "--signature", join(cli.folder, "none.asc"))).stderr).toMatch(/^APPROVAL_UNREADABLE .*problem=absent/);
    execFileSync("mkfifo", [join(cli.folder, "pipe")]);
    await symlink(file, join(cli.folder, "link.md"));
    for (const name of ["pipe", "link.md", "absent.md", "."])
      expect((await verify(join(cli.folder, name))).stderr).toMatch(/^APPROVAL_UNREADABLE /);
    for (const name of ["", "$(id)", "a\nb"]) expect((await verify(name)).stderr).toMatch(/^APPROVAL_UNREADABLE /);
    await writeFile(file, Buffer.alloc(200_000, "x"));
    expect((await verify(file)).stderr).toMatch(/^APPROVAL_UNREADABLE .*larger than/);
  });

  it.each([
    ["a key without its fingerprint", () => ["--sovereign-key", keyFile]],
    ["a fingerprint without its key", () => ["--sovereign-fingerprint", fingerprint]],
    ["a key id for a fingerprint", () => ["--sovereign-key", keyFile, "--sovereign-fingerprint", fingerprint.slice(-16)]],
    ["an architect without a sovereign", () => ["--architect-key", keyFile, "--architect-fingerprint", fingerprint]],
  ])("with %s exits 2", async (_what, flags) => {
    const file = await writeSigned(toDocument(sg1()));
    expect((await cli.run("approval", "verify", file, ...flags())).code).toBe(2);
  });

  it("trusts nobody where no key is given and none is pinned", async () => {
    const file = await writeSigned(toDocument(sg1()));
    expect(await cli.run("approval", "verify", file)).toMatchObject({
      code: 78,
      stdout: "",
      stderr: expect.stringMatching(/^APPROVAL_KEY_NOT_PINNED .*--sovereign-key FILE/),
    });
  });

  it("takes a fingerprint as gpg prints it, in groups", async () => {
    const file = await writeSigned(toDocument(sg1({ issued_at: toTime(new Date()) })));
    const groups = fingerprint.match(/.{4}/g)?.join(" ") ?? "";
    expect((await cli.run("approval", "verify", file, "--sovereign-key", keyFile, "--sovereign-fingerprint", groups)).code).toBe(0);
  });

  it("demands both signatures of a pinned pair, and refuses one key for two roles", async () => {
    const file = await writeSigned(toDocument(sg1()));
    expect((await verify(file, "--architect-key", keyFile, "--architect-fingerprint", fingerprint)).stderr).toMatch(
      /^APPROVAL_SIGNERS_NOT_DISTINCT /,
    );
  });
});

describe("the keys of the host", () => {
  const places = () => ({ keys: join(cli.folder, "keys"), ownership: join(cli.folder, "ownership.jsonl") });
  const claim = (role: string, sha256: string): string =>
    JSON.stringify({ path: join(places().keys, `${role}.asc`), urn: "u", sha256: "x", state: "claimed", contentSha256: sha256 });
  const refusal = () =>
    readHostKeys(nodeFiles, places()).then(
      (keys) => ({ sovereign: keys.sovereign.pin.fingerprint, architect: keys.architect?.pin.fingerprint ?? null }),
      (error: unknown) => (error instanceof CutterError ? error.code : error),
    );

  it("count only as the ownership manifest pins them, and a pinned architect cannot be left out", async () => {
    const { keys, ownership } = places();
    const bytes = await readFile(keyFile);
    expect(await refusal()).toBe("APPROVAL_KEY_NOT_PINNED");
    await mkdir(keys);
    await writeFile(join(keys, "sovereign.asc"), bytes);
    await writeFile(ownership, "\n");
    expect(await refusal()).toBe("APPROVAL_KEY_NOT_PINNED");
    await writeFile(ownership, `${claim("sovereign", sha256Hex(bytes))}\n`);
    expect(await refusal()).toEqual({ sovereign: fingerprint, architect: null });
    await writeFile(ownership, `${claim("sovereign", sha256Hex(bytes))}\n${claim("architect", sha256Hex("gone"))}\n`);
    expect(await refusal()).toBe("APPROVAL_KEY_NOT_PINNED");
    await writeFile(join(keys, "architect.asc"), bytes);
    expect(await refusal()).toBe("KEY_FILE_CHANGED");
    await writeFile(ownership, `${claim("sovereign", sha256Hex(bytes))}\n`);
    expect(await refusal()).toBe("APPROVAL_KEY_NOT_PINNED");
    await rm(join(keys, "architect.asc"));
    await writeFile(join(keys, "sovereign.asc"), home.exportKey(home.createKey("another", { algorithm: "ed25519" }), "another.asc"));
    expect(await refusal()).toBe("KEY_FILE_CHANGED");
    await rm(ownership);
    await mkdir(ownership);
    await chmod(ownership, 0o700);
    expect(await refusal()).toBe("APPROVAL_KEY_NOT_PINNED");
  });
});

/** The same world for a second command line: its requests folder is made anew. */
async function reopen(): Promise<World> {
  await rm(join(world.folder, "requests"), { recursive: true });
  return world;
}
