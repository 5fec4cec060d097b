// Steps that a killed engine left pending: the real engine is told to forget the kit's own, everything else in the state stays as it is.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { engineEnvironment, runPulumi } from "../../../../provision/toolchain/pulumi/run.ts";
import { forgetPendingSteps } from "../../../../provision/toolchain/repair/pending-steps.ts";

let backend: string;
let file: string;
let locks: string;
const urn = "urn:pulumi:rented::pending::cutterhost:index:Directory::rented/var/lib/cutter";
const pending = (type: string, resourceType = "cutterhost:index:Directory", custom = true) => ({
  type,
  resource: { urn, type: resourceType, custom, inputs: { big: 1 } },
});
const state = (...operations: readonly object[]) => ({
  version: 3,
  checkpoint: {
    stack: "rented",
    latest: {
      manifest: { magic: "m" },
      resources: [{ urn: "kept", outputs: { n: 1 } }],
      ...(operations.length === 0 ? {} : { pending_operations: operations }),
      metadata: {},
    },
  },
});
const write = (value: unknown) => writeFileSync(file, typeof value === "string" ? value : JSON.stringify(value, null, 4));
const read = () => JSON.parse(readFileSync(file, "utf8")) as unknown;
/** For what must be left alone: the engine is not even started. */
const noEngine = (args: readonly string[]) => expect.fail(`the engine was started: ${args.join(" ")}`);

beforeEach(() => {
  backend = mkdtempSync(join(tmpdir(), "ck-pending-"));
  file = join(backend, ".pulumi/stacks/pending/rented.json");
  locks = join(backend, ".pulumi/locks/organization/pending/rented");
  mkdirSync(join(backend, ".pulumi/stacks/pending"), { recursive: true });
  writeFileSync(join(backend, "Pulumi.yaml"), "name: pending\nruntime: nodejs\n");
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(backend, { recursive: true, force: true });
});

it("forgets an interrupted step of the kit's, says so once, and leaves the rest of the state", { timeout: 60_000 }, async () => {
  const options = {
    workingDirectory: backend,
    environment: { PULUMI_BACKEND_URL: `file://${backend}`, PULUMI_CONFIG_PASSPHRASE: "for a test" },
  };
  const said = vi.spyOn(console, "error").mockReturnValue();
  expect((await runPulumi(["stack", "init", "rented"], options)).code).toBe(0);
  const root = "urn:pulumi:rented::pending::pulumi:pulumi:Stack::pending-rented";
  const resource = (of: string, more: object) => ({ urn: of, custom: false, type: of.split("::")[2], ...more });
  const kept = [resource(root, {}), resource("urn:pulumi:rented::pending::cutter-kit:host:Units::units", { parent: root })];
  const kinds = ["updating", "deleting", "creating"].map((type) => pending(type));
  const others = [
    pending("creating", "command:remote:Command"),
    pending("creating", "cutter-kit:host:Release", false),
    pending("creating", "pulumi:providers:cutterhost"),
  ];
  // Also of the very first up, killed before the state held anything.
  for (const resources of [kept, []]) {
    const made = read() as { readonly checkpoint: { readonly latest: object } };
    const latest = { ...made.checkpoint.latest, resources, pending_operations: [...others, ...kinds] };
    write({ ...made, checkpoint: { ...made.checkpoint, latest } });

    engineEnvironment(["preview", "--stack", "rented"], options);
    expect(said.mock.lastCall).toEqual(["[INFO] stack rented: interrupted while creating, and looked at again: rented/var/lib/cutter"]);
    const { code, stdout } = await runPulumi(["stack", "export", "--stack", "rented"], options);
    expect(code).toBe(0);
    expect(stdout).not.toContain("pending_operations");
    const exported = JSON.parse(stdout) as { readonly deployment: { readonly resources?: readonly object[] } };
    expect(exported.deployment.resources ?? []).toEqual(resources.map((wanted) => expect.objectContaining(wanted)));
  }
  expect(said).toHaveBeenCalledTimes(2);
  expect(readdirSync(locks)).toEqual([]);
});

it("leaves what is not ours, and a state without any", () => {
  const others = state(pending("creating", "aws:s3:Bucket"), pending("updating", "cutter-kit:host:Release"));
  write(others);
  expect(forgetPendingSteps(`file://${backend}`, noEngine)).toEqual([]);
  expect(read()).toEqual(others);
  // The engine forgets all of a stack's or nothing.
  write(state(pending("creating", "aws:s3:Bucket"), pending("creating")));
  expect(forgetPendingSteps(`file://${backend}`, noEngine)).toEqual([]);
  write(state());
  expect(forgetPendingSteps(`file://${backend}`, noEngine)).toEqual([]);
  expect(forgetPendingSteps("s3://states", noEngine)).toEqual([]);
  expect(forgetPendingSteps("file:///nonexistent", noEngine)).toEqual([]);
});

it("passes by what is no file: a folder of such a name, a link to nothing, a pipe", () => {
  rmSync(file, { force: true });
  const beside = (name: string) => join(dirname(file), name);
  mkdirSync(beside("folder.json"), { recursive: true });
  symlinkSync(beside("nowhere"), beside("gone.json"));
  expect(spawnSync("mkfifo", [beside("pipe.json")]).status).toBe(0);
  expect(forgetPendingSteps(`file://${backend}`, noEngine)).toEqual([]);
});

it("touches neither a stack that somebody has locked nor a file that it does not understand", () => {
  write(state(pending("creating")));
  mkdirSync(locks, { recursive: true });
  writeFileSync(join(locks, "somebody.json"), "{}");
  expect(forgetPendingSteps(`file://${backend}`, noEngine)).toEqual([]);
  expect(read()).toEqual(state(pending("creating")));
  rmSync(join(locks, "somebody.json"));
  for (const damaged of ['{"pending_operations": [', '{"pending_operations": 1}']) {
    write(damaged);
    expect(forgetPendingSteps(`file://${backend}`, noEngine)).toEqual([]);
    expect(readFileSync(file, "utf8")).toBe(damaged);
  }
  expect(readdirSync(locks)).toEqual([]);
});

it("says nothing of a step that the engine did not forget", () => {
  write(state(pending("creating")));
  expect(forgetPendingSteps(`file://${backend}`, () => undefined)).toEqual([]);
});
