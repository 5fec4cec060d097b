// The life of a resource on a host of the test's own: claims come first, foreign things stay, an unseen outcome is read again.
import { beforeEach, expect, it } from "vitest";
import { z } from "zod";
import { CutterError } from "../../../orchestrator/core/errors.ts";
import type { CommandOptions, CommandOutcome, RemoteHost } from "../../../provision/host/connection.ts";
import { defineKind, type KindSpec } from "../../../provision/provider/kind/define.ts";
import { createLifecycle } from "../../../provision/provider/lifecycle.ts";
import { parseOwnershipClaims } from "../../../provision/provider/ownership.ts";
import { createStateClaims, type StateClaims } from "../../../provision/provider/state-claims.ts";
import { resourceArgs } from "../../../provision/resource-args.ts";
import { localAddress } from "../../support/hosts/local-host.ts";

const urn = "urn:pulumi:sandbox::cutter-kit::cutterhost:index:Note::one";
const renamed = "urn:pulumi:sandbox::cutter-kit::cutterhost:index:Note::renamed";
const othersUrn = "urn:pulumi:contabo::cutter-kit::cutterhost:index:Note::one";

/** What stands on the host; `note` is the one thing this test's kind writes. */
let world: { note: string | null; manifest: string; cutBeforeWork: boolean; cutAfterWork: boolean; altered: boolean; writes: number };

const noteSchema = resourceArgs.ExecutionOff.extend({ text: z.string() });
const noteSpec: KindSpec<z.infer<typeof noteSchema>> = {
  type: "Note",
  schema: noteSchema,
  claimOf: () => "/note",
  foreignCode: "FOREIGN_FILE",
  read: async (_host, inputs) =>
    world.note === null ? { state: "absent" } : { state: "present", inputs: { ...inputs, text: world.note } },
  write: async ({ runJob }, { text }) => await runJob({ script: "WRITE", args: [text] }),
  remove: () => ({ script: "REMOVE", args: [] }),
};
const noteKind = defineKind(noteSpec);

const host: RemoteHost = { address: localAddress, isOpen: () => true, run, close: () => undefined };
let guarded: Error | null;
const guard = () => (guarded === null ? Promise.resolve("apply" as const) : Promise.reject(guarded));
const pool = { get: async () => host, openFresh: async () => host, closeAll: async () => undefined };
const toLifecycle = (recorded: StateClaims) => createLifecycle(pool, guard, recorded, () => undefined);
const lifecycle = toLifecycle(createStateClaims());
const inputs = (text: string, adopt = false) => ({ host: localAddress, adopt, text });
const note = (text: string, adopt = false) => noteKind.parseStored(inputs(text, adopt));
const claims = () => [...parseOwnershipClaims(world.manifest).values()];

/** The manifest is read by `cat`; a job is a script with its arguments in `set --`. */
async function run(_script: string, args: readonly string[], _options: CommandOptions): Promise<CommandOutcome> {
  if (args.length === 1 && args[0]?.endsWith("ownership.jsonl") === true) return { code: 0, stdout: world.manifest, stderr: "" };
  if (args.length === 1) return { code: 0, stdout: "gone\n", stderr: "" };
  const job = args[1] ?? "";
  const cut: CommandOutcome = { code: null, stdout: "", stderr: "" };
  if (world.cutBeforeWork) return cut;
  const words = [.../'([^']*)'/g[Symbol.matchAll](/^set -- (.*)$/m.exec(job)?.[1] ?? "")].map((match) => match[1] ?? "");
  if (words[0]?.startsWith("{") === true) world.manifest += `${words.shift()}\n`;
  if (/^WRITE$/m.test(job)) [world.note, world.writes] = [`${words[0] ?? ""}${world.altered ? " and more" : ""}`, world.writes + 1];
  if (/^REMOVE$/m.test(job)) world.note = null;
  return world.cutAfterWork ? cut : { code: 0, stdout: "", stderr: "" };
}

beforeEach(() => {
  guarded = null;
  world = { note: null, manifest: "", cutBeforeWork: false, cutAfterWork: false, altered: false, writes: 0 };
});

it("claims a path and writes it, in one job", async () => {
  await lifecycle.create(note("mine"), urn);
  expect(world.note).toBe("mine");
  expect(claims()).toMatchObject([{ path: "/note", urn, state: "claimed" }]);
});

it("refuses a foreign thing and leaves it untouched, also when it is equal or another stack's", async () => {
  world.note = "theirs";
  await expect(lifecycle.create(note("mine"), urn)).rejects.toMatchObject({ code: "FOREIGN_FILE" });
  await expect(lifecycle.create(note("theirs"), urn)).rejects.toMatchObject({ code: "FOREIGN_FILE" });
  world.manifest = `${JSON.stringify({ path: "/note", urn: othersUrn, sha256: "", state: "claimed" })}\n`;
  await expect(lifecycle.create(note("mine"), urn)).rejects.toMatchObject({ code: "FOREIGN_FILE" });
  expect(world.note).toBe("theirs");
});

it("adopts what the operator listed", async () => {
  world.note = "theirs";
  await lifecycle.create(note("mine", true), urn);
  expect(world.note).toBe("mine");
});

it("finishes a create that was interrupted after the claim", async () => {
  world.manifest = `${JSON.stringify({ path: "/note", urn, sha256: "", state: "claimed" })}\n{"path":"/no`;
  world.note = "half";
  await lifecycle.create(note("mine"), urn);
  expect(world.note).toBe("mine");
});

it("takes a thing along when its resource was renamed, and the old name's removal leaves it", async () => {
  await lifecycle.create(note("mine"), urn);
  await lifecycle.create(note("mine"), renamed);
  await lifecycle.remove(note("mine"), urn);
  expect(world.note).toBe("mine");
  await lifecycle.remove(note("mine"), renamed);
  expect(world.note).toBeNull();
  expect(claims()).toEqual([]);
});

it("takes an outcome that nobody saw as done when the host shows it, and as unknown when not", async () => {
  world.cutAfterWork = true;
  await lifecycle.create(note("mine"), urn);
  expect(world.note).toBe("mine");
  world.cutBeforeWork = true;
  await expect(lifecycle.update(note("new"), urn)).rejects.toMatchObject({ code: "HOST_OUTCOME_UNKNOWN" });
  expect(world.note).toBe("mine");
});

it("names a write that reads back differently: something else writes there", async () => {
  world.altered = true;
  await expect(lifecycle.create(note("mine"), urn)).rejects.toMatchObject({
    code: "HOST_NOT_AS_WRITTEN",
    facts: { resource: "/note", differs: [expect.stringContaining("text")] },
  });
});

it("stops a write of several steps where the end of one was not seen, and never calls the host unreachable and unchanged then", async () => {
  const steps: string[] = [];
  const twoSteps = defineKind({
    ...noteSpec,
    write: async ({ runJob }, { text }) => {
      await runJob({ script: "WRITE", args: [text] });
      steps.push("second");
    },
  });
  world.cutBeforeWork = true;
  await expect(lifecycle.create(twoSteps.parseStored(inputs("mine")), urn)).rejects.toMatchObject({
    code: "HOST_OUTCOME_UNKNOWN",
    facts: { differs: ["absent"] },
  });
  expect(steps).toEqual([]);
  const writesNothing = defineKind({ ...noteSpec, write: async () => undefined });
  // A kind that writes nothing has its claim recorded by a job of its own.
  await expect(lifecycle.create(writesNothing.parseStored(inputs("mine")), urn)).rejects.toMatchObject({
    code: "HOST_OUTCOME_UNKNOWN",
  });
  let gets = 0;
  const get = async () => (++gets <= 2 ? host : Promise.reject(new CutterError("HOST_UNREACHABLE", {})));
  const lost = createLifecycle({ get, openFresh: get, closeAll: async () => undefined }, guard, createStateClaims(), () => undefined);
  await expect(lost.create(note("mine"), urn)).rejects.toMatchObject({
    code: "HOST_OUTCOME_UNKNOWN",
    facts: { seen: expect.stringContaining("HOST_UNREACHABLE") },
  });
});

it("does not call a thing removed while its claim may still stand, and gives it up at the next try", async () => {
  await lifecycle.create(note("mine"), urn);
  // The line goes after the first job, which removes the thing.
  const lastingRun: RemoteHost["run"] = async (script, args, options) => {
    const outcome = await run(script, args, options);
    if (/^REMOVE$/m.test(args[1] ?? "")) world.cutBeforeWork = true;
    return outcome;
  };
  const breaking = { ...host, run: lastingRun };
  const broken = createLifecycle(
    { get: async () => breaking, openFresh: async () => breaking, closeAll: async () => undefined },
    guard,
    createStateClaims(),
    () => undefined,
  );
  await expect(broken.remove(note("mine"), urn)).rejects.toMatchObject({ code: "HOST_OUTCOME_UNKNOWN" });
  expect([world.note, claims().length]).toEqual([null, 1]);
  world.cutBeforeWork = false;
  await lifecycle.remove(note("mine"), urn);
  expect(claims()).toEqual([]);
});

it("reads a thing that is gone as gone, and a changed one as changed", async () => {
  await lifecycle.create(note("mine"), urn);
  world.note = "edited";
  const found = await lifecycle.read(note("mine"), urn);
  expect(noteKind.changes(found, inputs("mine"))).toEqual({ changed: ["text"], replaces: [] });
  world.note = null;
  expect(await lifecycle.read(note("mine"), urn)).toBeNull();
});

it("changes nothing, and claims nothing, while the guard refuses", async () => {
  await lifecycle.create(note("mine"), urn);
  guarded = new Error("unfinished");
  const { manifest } = world;
  await expect(lifecycle.create(note("new"), renamed)).rejects.toThrow("unfinished");
  await expect(lifecycle.update(note("new"), urn)).rejects.toThrow("unfinished");
  await expect(lifecycle.remove(note("mine"), urn)).rejects.toThrow("unfinished");
  expect(await lifecycle.read(note("mine"), urn)).toMatchObject({ text: "mine" });
  expect([world.note, world.manifest]).toEqual(["mine", manifest]);
});

it("looks at a host only when the jobs of an earlier command have ended there, and asks once", async () => {
  const asked: string[] = [];
  let endJobs = () => {};
  const jobsEnded = new Promise<void>((done) => (endJobs = done));
  const busy: RemoteHost = {
    ...host,
    run: async (script, args, options) => {
      if (!script.includes("cutter-job-*")) return await run(script, args, options);
      asked.push(script);
      await jobsEnded;
      world.note = "written by a killed command";
      return { code: 0, stdout: "", stderr: "" };
    },
  };
  const fresh = createLifecycle(
    { get: async () => busy, openFresh: async () => busy, closeAll: async () => undefined },
    guard,
    createStateClaims(),
    () => undefined,
  );
  const readings = [fresh.read(note("mine"), urn), fresh.read(note("mine"), urn)];
  endJobs();
  expect(await Promise.all(readings)).toMatchObject([{ text: "written by a killed command" }, { text: "written by a killed command" }]);
  expect(asked).toHaveLength(1);
});

it("does not call done what stood there as wanted while its claim may be lost", async () => {
  world.note = "hello";
  world.cutBeforeWork = true;
  await expect(lifecycle.create(note("hello", true), urn)).rejects.toThrow(/^HOST_OUTCOME_UNKNOWN .*its claim was not recorded/);
  world.cutBeforeWork = false;
  await lifecycle.create(note("hello", true), urn);
  expect(claims()).toMatchObject([{ path: "/note", urn }]);
});

it("tells in what a thing differs that is to be taken over, and says nothing of what is ours or absent", async () => {
  expect(await lifecycle.readTakeover(note("mine", true), urn)).toBeNull();
  world.note = "somebody's";
  expect(await lifecycle.readTakeover(note("mine", true), urn)).toBe(
    "/note stands there and is listed under cutter-kit:adopt: up takes it over, text somebody's → mine",
  );
  expect(await lifecycle.readTakeover(note("somebody's", true), urn)).toBe(
    "/note stands there and is listed under cutter-kit:adopt: up takes it over as it is",
  );
  await lifecycle.create(note("mine", true), urn);
  world.note = "edited";
  expect(await lifecycle.readTakeover(note("mine", true), urn)).toBeNull();
});

it("takes a claim that the manifest has lost for drift, and an update claims again what stands there as wanted, without writing it", async () => {
  await lifecycle.create(note("mine"), urn);
  expect(await lifecycle.read(note("mine"), urn)).toEqual(inputs("mine"));
  world.manifest = "";
  const reading = await lifecycle.read(note("mine"), urn);
  expect(noteKind.changes(reading, inputs("mine")).changed).toEqual(["unclaimed"]);
  world.writes = 0;
  await lifecycle.update(note("mine"), urn);
  expect([claims().map(({ path, urn: by }) => [path, by]), world.writes]).toEqual([[["/note", urn]], 0]);
  world.manifest = "";
  await lifecycle.update(note("edited"), urn);
  expect([claims().length, world.writes, world.note]).toEqual([1, 1, "edited"]);
});

it(
  "refuses to remove what another stack claims: a stack that was renamed claims its things again first, by an update that " +
    "writes nothing",
  async () => {
    await lifecycle.create(note("mine"), othersUrn);
    await expect(lifecycle.remove(note("mine"), urn)).rejects.toMatchObject({
      code: "CLAIMED_BY_OTHER_STACK",
      facts: { path: "/note", found: "claimed by stack contabo of cutter-kit" },
    });
    expect([world.note, claims().length]).toEqual(["mine", 1]);
    const reading = await lifecycle.read(note("mine"), urn);
    expect(noteKind.changes(reading, inputs("mine")).changed).toEqual(["unclaimed"]);
    world.writes = 0;
    await lifecycle.update(note("mine"), urn);
    expect([claims().map(({ urn: by }) => by), world.writes]).toEqual([[urn], 0]);
    await lifecycle.remove(note("mine"), urn);
    expect([world.note, claims()]).toEqual([null, []]);
  },
);

it("makes again, under its new name, what the state has of this machine, whatever stack the manifest names", async () => {
  await lifecycle.create(note("mine"), othersUrn);
  const recorded = createStateClaims();
  const renamedStack = toLifecycle(recorded);
  await expect(renamedStack.create(note("new"), renamed)).rejects.toMatchObject({
    code: "FOREIGN_FILE",
    facts: { found: "claimed by stack contabo of cutter-kit" },
  });
  recorded.note({ ...localAddress, name: "contabo" }, "/note");
  await renamedStack.create(note("new"), renamed);
  // The resource of the old name goes last, as the engine has it go.
  await renamedStack.remove(note("mine"), urn);
  expect([world.note, claims().map(({ urn: by }) => by)]).toEqual(["new", [renamed]]);
});
