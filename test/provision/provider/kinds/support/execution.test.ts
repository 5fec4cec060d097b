// Before a change of the host: an unfinished live run refuses it, tokens go first, and what was looked at is told. The host is a folder,
// the scripts are real.
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { nodeFiles } from "../../../../../orchestrator/adapters/node-files/node-files.ts";
import { chainStart, toLine, toLineHash } from "../../../../../orchestrator/core/journal/chain.ts";
import type { JournalEntry } from "../../../../../orchestrator/core/journal/record.ts";
import { toUnfinishedRuns } from "../../../../../orchestrator/core/run/unfinished-runs.ts";
import { findUnfinishedRuns } from "../../../../../orchestrator/root-helper/arming/find-unfinished-runs.ts";
import { recordAudit } from "../../../../../orchestrator/root-helper/state/ledger.ts";
import type { HostAddress } from "../../../../../provision/host/address.ts";
import type { RemoteHost } from "../../../../../provision/host/connection.ts";
import { createExecutionGuard, readExecution, type GuardedChange } from "../../../../../provision/provider/kinds/support/execution.ts";
import { localAddress, localHost } from "../../../../support/hosts/local-host.ts";

const sha = "a".repeat(64);
let root: string;
let said: string[];
let looks: number;
const at = (path: string): string => join(root, path);
const host: RemoteHost = {
  ...localHost,
  run: (script, args, options) => {
    looks += 1;
    return localHost.run(
      script,
      args.map((arg) => (arg.startsWith("/") ? `${root}${arg}` : arg)),
      options,
    );
  },
};
const guard = (config?: string, how: GuardedChange["how"] = "update") => {
  const ask = createExecutionGuard(
    { get: () => Promise.resolve(host), openFresh: () => Promise.resolve(host), closeAll: () => Promise.resolve() },
    (line) => said.push(line),
    new Map(config === undefined ? [] : [[localAddress.name, config]]),
  );
  return (address: HostAddress, claim = "/var/lib/cutter/batches") => ask(address, { claim, how });
};

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "execution-"));
  said = [];
  looks = 0;
  for (const folder of ["run/cutter/armed", "run/cutter/live", "var/lib/cutter/runs", "etc/cutter"])
    mkdirSync(at(folder), { recursive: true });
  mkdirSync(at("var/lib/cutter-ledger"), { mode: 0o700 });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const started = (mode: "live" | "dryrun"): JournalEntry => ({
  kind: "run_started",
  run_id: "R-1",
  document_id: "knowledge/a.md",
  mode,
  inputs: { request_sha256: sha, config_sha256: sha, release_sha256: sha, host_identity: sha },
});
const phaseStarted: JournalEntry = { kind: "phase_started", phase: "source_pin", number: 1 };
const committed = (step: "SG_1" | "cut_leg_a" | "pre_write_backup"): readonly JournalEntry[] => [
  { kind: "effect_intended", step, effect_sha256: sha },
  { kind: "transaction", step, id: "1" },
  { kind: "effect_done", step, effect_sha256: sha, found: "committed" },
];

function toJournal(entries: readonly object[]): string {
  let prev = chainStart;
  return entries
    .map((entry, seq) => {
      const line = toLine(entry, { seq, at: "2026-11-22T10:00:00.000Z", prev });
      prev = toLineHash(line);
      return `${line}\n`;
    })
    .join("");
}

function writeRun(runId: string, entries: readonly object[], folder = "var/lib/cutter/runs", revert: readonly object[] = []): void {
  mkdirSync(at(`${folder}/${runId}/revert`), { recursive: true });
  writeFileSync(at(`${folder}/${runId}/journal.jsonl`), toJournal(entries));
  if (revert.length > 0) writeFileSync(at(`${folder}/${runId}/revert/journal.jsonl`), toJournal(revert));
}

describe("a live run is open", () => {
  it.each<readonly [string, readonly object[], readonly object[], boolean]>([
    ["not before it wrote", [started("live"), { kind: "effect_intended", step: "SG_1", effect_sha256: sha }], [], false],
    ["not for its backup alone", [started("live"), ...committed("pre_write_backup")], [], false],
    ["once its decision stands", [started("live"), ...committed("SG_1")], [], true],
    ["while a COMMIT is unresolved", [started("live"), ...committed("SG_1").slice(0, 2)], [], true],
    [
      "not when that was rolled back",
      [started("live"), ...committed("SG_1").slice(0, 2), { kind: "effect_rolled_back", step: "SG_1", why: "x" }],
      [],
      false,
    ],
    [
      "until it is closed out",
      [started("live"), ...committed("SG_1"), { kind: "run_finished", result: "done", certificate: null, exit_code: 0 }],
      [],
      false,
    ],
    ["until it is given up", [started("live"), ...committed("SG_1"), { kind: "run_voided", why: "signed" }], [], false],
    [
      "until it is reverted",
      [started("live"), ...committed("SG_1"), ...committed("cut_leg_a")],
      [{ kind: "reverted", units: 2, found: "committed" }],
      false,
    ],
    [
      "while its revert has only begun",
      [started("live"), ...committed("cut_leg_a")],
      [{ kind: "revert_started", run_id: "R-1", document_id: "knowledge/a.md", payload_sha: sha }],
      true,
    ],
    ["when a record cannot be read", [started("live"), { kind: "transaction", step: "a step of another release", id: "1" }], [], true],
    ["never as a dry run", [started("dryrun"), ...committed("SG_1")], [], false],
  ])("%s", async (_what, entries, revert, open) => {
    writeRun("R-1", entries, "var/lib/cutter/runs", revert);
    expect((await readExecution(host)).unfinishedRuns).toEqual(open ? ["R-1"] : []);
  });

  it.each([
    ["a journal that is none", "garbage\n", true],
    ["a line that was cut off", `${JSON.stringify({ seq: 0, kind: "phase_started" }).slice(0, -4)}\n`, true],
    ["a tail of NUL bytes, as after a power loss", Buffer.alloc(512), true],
    ["lines that end in another mark", `${toLine({ kind: "receipt" }, { seq: 1, at: "", prev: sha })}\r{"seq":2,"at":"`, true],
    ["lines that run into each other", `${toLine({ kind: "receipt" }, { seq: 1, at: "", prev: sha })}{"seq":2,"at":"`, true],
    ["an append that was cut off, of another place", '{"seq":7,"at":"2026-11-22T10:00:00.000Z","kind":"transact', true],
    ["a line that lacks its newline alone", toLine({ kind: "receipt", text: "ä\tb" }, { seq: 1, at: "", prev: sha }), false],
    ["an append of ours that was cut off", '{"seq":1,"at":"2026-11-22T10:00:00.000Z","kind":"transact', false],
    ["a line with a byte that is no text", Buffer.concat([Buffer.from('{"kind":"phase_started'), Buffer.from([0xff, 0x0a])]), true],
    ["a whole line of a kind that decides nothing", `${JSON.stringify({ seq: 0, kind: "receipt", prev: "" })}\n`, false],
  ])("as enable sees it: %s", async (_what, journal, open) => {
    writeRun("R-1", [started("live")]);
    appendFileSync(at("var/lib/cutter/runs/R-1/journal.jsonl"), journal);
    expect((await readExecution(host)).unfinishedRuns).toEqual(open ? ["R-1"] : []);
    expect(await findUnfinishedRuns(nodeFiles, at("var/lib/cutter/runs"), "R-0")).toEqual(open ? ["R-1"] : []);
  });

  it.each<readonly [string, string | null, readonly string[], boolean]>([
    ["emptied, and its folder holds an output", "", ["01-source-pin.json"], true],
    ["gone, and its folder holds an output", null, ["01-source-pin.json"], true],
    ["cut back behind the phase of an output", toJournal([started("live"), phaseStarted]), ["01-source-pin.json", "02-mark.json"], true],
    ["as far as its outputs", toJournal([started("live"), phaseStarted]), ["01-source-pin.json"], false],
    ["empty, as is its folder", "", [], false],
  ])("whose journal is %s: the journal goes ahead of every output", async (_what, journal, outputs, open) => {
    const folder = at("var/lib/cutter/runs/R-1");
    mkdirSync(`${folder}/outputs`, { recursive: true });
    if (journal !== null) writeFileSync(`${folder}/journal.jsonl`, journal);
    for (const name of outputs) writeFileSync(`${folder}/outputs/${name}`, "{}\n");
    expect((await readExecution(host)).unfinishedRuns).toEqual(open ? ["R-1"] : []);
    expect(await findUnfinishedRuns(nodeFiles, at("var/lib/cutter/runs"), "R-0")).toEqual(open ? ["R-1"] : []);
  });

  it("in a folder named as a dry run's only where its first record does not say live", async () => {
    writeRun("R-1.dryrun", [started("live"), ...committed("SG_1")]);
    expect((await readExecution(host)).unfinishedRuns).toEqual(["R-1.dryrun"]);
  });

  it("also in a folder of runs that the configuration moved, and with a configuration that cannot be read", async () => {
    writeFileSync(at("etc/cutter/orchestrator.yaml"), `sidecar_root: ${root}/srv/runs\nbroken: [\n`);
    writeRun("R-2", [started("live"), ...committed("SG_1")], "srv/runs");
    writeRun("R-1", [started("live"), ...committed("SG_1")]);
    expect((await readExecution(host)).unfinishedRuns.toSorted()).toEqual(["R-1", "R-2"]);
  });

  it("and a run without a journal, or a host without anything, is none", async () => {
    rmSync(root, { recursive: true });
    mkdirSync(root);
    expect(await readExecution(host)).toEqual({ armed: [], live: [], unfinishedRuns: [] });
    expect(toUnfinishedRuns([{ runId: "R-1", journal: [], revertJournal: [] }])).toEqual([]);
    expect(toUnfinishedRuns(["R-1", "R-1.dryrun"].map((runId) => ({ runId, journal: ["{}"], revertJournal: [] })))).toEqual(["R-1"]);
  });
});

describe("the guard before each change", () => {
  it("lets a quiet host be, and looks once for all changes of a command", async () => {
    const before = guard();
    await Promise.all([before(localAddress), before(localAddress)]);
    await before(localAddress);
    expect([looks, said]).toEqual([1, []]);
  });

  it("removes every token, says whose, and adds to the audit log's chain", async () => {
    for (const folder of ["armed/R-1", "live/R-2", "armed/.hidden"]) mkdirSync(at(`run/cutter/${folder}`));
    const owner = { root, ownerUid: process.getuid?.() ?? 0, cutter: { uid: 0, gid: 0 } };
    recordAudit(owner, "enable", { run_id: "R-1" }, new Date());
    await guard()(localAddress);
    expect([readdirSync(at("run/cutter/armed")), readdirSync(at("run/cutter/live"))]).toEqual([[], []]);
    expect(said).toEqual([expect.stringMatching(/disarmed first.*R-1/)]);
    recordAudit(owner, "enable", {}, new Date()); // reads the whole chain first
    expect(readFileSync(at("var/lib/cutter-ledger/audit.jsonl"), "utf8")).toContain('"action":"disarmed_by_deploy"');
  });

  it("refuses while a live run is unfinished, and leaves its token alone", async () => {
    mkdirSync(at("run/cutter/live/R-1"));
    writeRun("R-1", [started("live"), ...committed("SG_1")]);
    await expect(guard()(localAddress)).rejects.toMatchObject({ code: "UNFINISHED_LIVE_RUN", facts: { runs: ["R-1"] } });
    expect(existsSync(at("run/cutter/live/R-1"))).toBe(true);
  });

  const keys = { run_hard_cap_minutes: 60, governance_principal: "directus_secdef", revert_principal: null };
  const configured = (change: object = {}): string => `# Written by pulumi up\n${stringify({ ...keys, ...change })}`;
  const config = "/etc/cutter/orchestrator.yaml";
  const unfinished = (): void => {
    writeRun("R-1", [started("live"), ...committed("SG_1")]);
    writeFileSync(at(config), configured());
  };

  it("lets an unfinished run have its way back pinned, and disarms first", async () => {
    unfinished();
    mkdirSync(at("run/cutter/armed/R-1"));
    const pin = guard(configured({ revert_principal: "cutter_revert" }));
    expect(await pin(localAddress, "execution:off")).toBe("leave");
    expect(await pin(localAddress, config)).toBe("apply");
    expect(readdirSync(at("run/cutter/armed"))).toEqual([]);
    expect(said).toEqual([
      expect.stringMatching(/R-1 is unfinished: this up may pin orchestrator:revert_principal and nothing else/),
      expect.stringMatching(/disarmed first.*R-1/),
    ]);
  });

  it("refuses by name everything else in the same up", async () => {
    unfinished();
    const text = configured({ revert_principal: "cutter_revert" });
    await expect(guard(text)(localAddress)).rejects.toMatchObject({
      code: "UNFINISHED_LIVE_RUN",
      facts: { runs: ["R-1"], refused: "update /var/lib/cutter/batches", accepted: "orchestrator:revert_principal" },
    });
    await expect(guard(text, "remove")(localAddress, config)).rejects.toMatchObject({ facts: { refused: `remove ${config}` } });
    await expect(guard(text, "create")(localAddress, "/etc/cutter/x")).rejects.toMatchObject({
      facts: { refused: "create /etc/cutter/x" },
    });
    const both = guard(configured({ revert_principal: "cutter_revert", run_hard_cap_minutes: 90, notify_command: ["x"] }));
    await expect(both(localAddress, config)).rejects.toMatchObject({
      code: "UNFINISHED_LIVE_RUN",
      facts: { refused: ["orchestrator:run_hard_cap_minutes", "orchestrator:notify_command"] },
    });
  });

  it.each([
    ["nothing of the configuration changes", () => configured()],
    ["the way back is taken away", () => (writeFileSync(at(config), configured({ revert_principal: "cutter_revert" })), configured())],
    ["the host's configuration is none", () => (writeFileSync(at(config), "- x"), configured({ revert_principal: "cutter_revert" }))],
    ["a token is live", () => (mkdirSync(at("run/cutter/live/R-1")), configured({ revert_principal: "cutter_revert" }))],
  ])("refuses the whole up, the configuration too, while %s", async (_what, wanted) => {
    unfinished();
    const text = wanted();
    for (const claim of [config, "execution:off"])
      await expect(guard(text)(localAddress, claim)).rejects.toMatchObject({ code: "UNFINISHED_LIVE_RUN", facts: { runs: ["R-1"] } });
  });

  it("refuses when the host cannot be asked", async () => {
    const deaf = createExecutionGuard(
      {
        get: () => Promise.resolve({ ...host, run: () => Promise.resolve({ code: null, stdout: "", stderr: "" }) }),
        openFresh: () => Promise.resolve(host),
        closeAll: () => Promise.resolve(),
      },
      (line) => said.push(line),
      new Map(),
    );
    await expect(deaf(localAddress, { claim: "/etc/cutter", how: "update" })).rejects.toMatchObject({ code: "HOST_OUTCOME_UNKNOWN" });
  });
});
