// Steps that a killed engine left pending: the kit's own are forgotten, everything else in the state stays as it is.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { forgetPendingSteps, toForgottenLine } from "../../../../provision/toolchain/repair/pending-steps.ts";
import { clearStaleLocks, ownLockPrefix } from "../../../../provision/toolchain/repair/stale-lock.ts";

let backend: string;
let file: string;
let locks: string;
const urn = "urn:pulumi:sandbox::cutter-kit::cutterhost:index:Directory::sandbox/var/lib/cutter";
const pending = (type: string, resourceType = "cutterhost:index:Directory") => ({
  type,
  resource: { urn, type: resourceType, custom: true, inputs: { big: 1 } },
});
const state = (...operations: readonly object[]) => ({
  version: 3,
  checkpoint: {
    stack: "sandbox",
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

beforeEach(() => {
  backend = mkdtempSync(join(tmpdir(), "ck-pending-"));
  file = join(backend, ".pulumi/stacks/cutter-kit/sandbox.json");
  locks = join(backend, ".pulumi/locks/organization/cutter-kit/sandbox");
  mkdirSync(join(backend, ".pulumi/stacks/cutter-kit"), { recursive: true });
});
afterEach(() => rmSync(backend, { recursive: true, force: true }));

it("forgets an interrupted step of the kit's, says so once, and leaves the rest of the state", () => {
  write(state(pending("updating"), pending("deleting"), pending("creating", "command:remote:Command"), pending("creating")));
  expect(forgetPendingSteps(`file://${backend}`).map(toForgottenLine)).toEqual([
    "[INFO] stack sandbox: interrupted while creating, and looked at again: sandbox/var/lib/cutter",
  ]);
  expect(read()).toEqual(state());
  expect(readdirSync(locks)).toEqual([]);
  expect(readdirSync(join(backend, ".pulumi/stacks/cutter-kit"))).toEqual(["sandbox.json"]);
});

it("leaves what is not ours, and a state without any", () => {
  const others = state(pending("creating", "aws:s3:Bucket"), pending("updating", "cutter-kit:host:Release"));
  write(others);
  expect(forgetPendingSteps(`file://${backend}`)).toEqual([]);
  expect(read()).toEqual(others);
  write(state());
  expect(forgetPendingSteps(`file://${backend}`)).toEqual([]);
  expect(forgetPendingSteps("s3://states")).toEqual([]);
  expect(forgetPendingSteps("file:///nonexistent")).toEqual([]);
});

it("touches neither a stack that somebody has locked nor a file that it does not understand", () => {
  write(state(pending("creating")));
  mkdirSync(locks, { recursive: true });
  writeFileSync(join(locks, "somebody.json"), "{}");
  expect(forgetPendingSteps(`file://${backend}`)).toEqual([]);
  expect(read()).toEqual(state(pending("creating")));
  rmSync(join(locks, "somebody.json"));
  for (const damaged of ['{"pending_operations": [', '{"pending_operations": 1}']) {
    write(damaged);
    expect(forgetPendingSteps(`file://${backend}`)).toEqual([]);
    expect(readFileSync(file, "utf8")).toBe(damaged);
  }
  expect(readdirSync(locks)).toEqual([]);
});

it("holds a lock that another start does not take for a dead engine's", () => {
  mkdirSync(locks, { recursive: true });
  const lock = join(locks, `${ownLockPrefix}${process.pid}.json`);
  writeFileSync(lock, JSON.stringify({ pid: process.pid, username: "root", hostname: hostname(), timestamp: "2026-11-23T01:00:00Z" }));
  expect(clearStaleLocks(`file://${backend}`)).toEqual([]);
  expect(existsSync(lock)).toBe(true);
});
