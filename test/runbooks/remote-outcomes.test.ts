// What a runbook makes of a host that says something else than hoped for, or nothing any more.
import { describe, expect, it } from "vitest";
import { parseRunId } from "../../orchestrator/core/run-id.ts";
import type { CommandOutcome, RemoteHost } from "../../provision/host/connection.ts";
import { proveArmed } from "../../runbooks/prove-armed.ts";
import { toRequired } from "../../runbooks/script.ts";
import { startableUnits, startUnitAndWait, type Watch } from "../../runbooks/start-unit.ts";
import { localAddress } from "../support/hosts/local-host.ts";

const runId = parseRunId("R-1", { allowDryRunSuffix: false });
const toHost = (answer: (script: string) => Partial<CommandOutcome>): RemoteHost => ({
  address: localAddress,
  isOpen: () => true,
  run: (script) => Promise.resolve({ code: 0, stdout: "", stderr: "", ...answer(script) }),
  close: () => undefined,
});

describe("enable", () => {
  const says = (state: string, run: string | null) => toHost(() => ({ stdout: JSON.stringify({ state, run_id: run }) }));

  it("is proven by the host's own word that this run is armed", async () => {
    await expect(proveArmed(says("armed", "R-1"), runId)).resolves.toBeUndefined();
  });

  it.each([
    ["off", null],
    ["armed", "R-2"],
    ["live", "R-1"],
  ])("is not proven by a host that says %s %s", async (state, run) => {
    await expect(proveArmed(says(state, run), runId)).rejects.toMatchObject({
      code: "ENABLE_NOT_PROVEN",
      facts: { run_id: "R-1", state, found: run },
    });
  });
});

/** A host of which a start is asked: one look after the other, the last for ever; what systemctl start answers; the units' journal. */
interface Scene {
  readonly looks: readonly { readonly states: readonly [string, string]; readonly result?: string; readonly invocation?: string }[];
  readonly start?: Partial<CommandOutcome>;
  readonly lines?: readonly string[];
  readonly breaksAfter?: number; // looks
}

const told = { exit_code: 20, code: "RUN_KILLED", exit_kind: "killed", exit_raw: "KILL", service_result: "signal" };

function play({ looks, start = {}, lines = [], breaksAfter = Infinity }: Scene): { readonly host: RemoteHost; readonly typed: string[] } {
  let looked = 0;
  const typed: string[] = [];
  const unread = [...lines];
  const host = toHost((script) => {
    if (script.startsWith("date")) {
      const look = looks[Math.min(looked, looks.length - 1)];
      looked += 1;
      if (looked > breaksAfter) return { code: null, problem: "the channel closed" };
      return {
        stdout: `1760000000\n@1759999940\n${look?.result ?? "none"}\n${look?.invocation ?? ""}\n${(look?.states ?? []).join("\n")}\n`,
      };
    }
    if (script.startsWith("systemctl start")) {
      typed.push(script);
      return start;
    }
    if (script.startsWith("journalctl")) return { stdout: [...unread.splice(0), "-- cursor: x"].join("\n") };
    const result = { schema: "cutter.result/1", run_id: "R-1", result: null, phase: null, certificate: null, payload_sha: null, ...told };
    return script.startsWith("cat") ? { stdout: JSON.stringify(result) } : {};
  });
  return { host, typed };
}

const still = ["inactive", "inactive"] as const;
const killedStates = [
  { states: still, result: "1.old" },
  { states: ["deactivating", "active"], result: "none", invocation: "i2" },
  { states: ["failed", "deactivating"], result: "none", invocation: "i2" },
  { states: ["failed", "inactive"], result: "2.new", invocation: "i2" },
] as const;
const watch = (unit: Watch["unit"] = startableUnits.run, print: Watch["print"] = () => undefined): Watch => ({
  unit,
  deadlineMs: 60_000,
  capMinutes: 30,
  again: "runbooks/start-run --run-id R-1",
  print,
});
const spawnFailed = [
  "Starting cutter-prepare@R-1.service - cutter: credentials and token for run R-1...",
  "cutter-prepare@R-1.service: Failed to set up mount namespacing: /var/lib/cutter/runs: No such file or directory",
  "cutter-prepare@R-1.service: Failed at step NAMESPACE spawning /opt/cutter/current/bin/cutter-root: No such file or directory",
  "cutter-prepare@R-1.service: Main process exited, code=exited, status=226/NAMESPACE",
  "Dependency failed for cutter-run@R-1.service - cutter run R-1.",
];

describe.concurrent("a start", () => {
  it("that was killed is read once both units have settled, whatever systemctl start said", async () => {
    const { host } = play({ looks: killedStates, start: { code: 1, stderr: "Job for cutter-run@R-1.service canceled." } });
    expect(await startUnitAndWait(host, runId, watch())).toMatchObject({ exit_code: 20, code: "RUN_KILLED" });
  });

  it("that systemd could not set up did not start: exit 10, with systemd's words, and an earlier result is not its own", async () => {
    const { host } = play({
      looks: [
        { states: still, result: "1.old" },
        { states: ["inactive", "failed"], result: "1.old" },
      ],
      start: { code: 1, stderr: "A dependency job for cutter-run@R-1.service failed.\n" },
      lines: spawnFailed,
    });
    await expect(startUnitAndWait(host, runId, watch())).rejects.toMatchObject({
      code: "RUN_UNIT_NOT_SET_UP",
      exitCode: 10,
      facts: { step: "NAMESPACE", systemd: expect.stringContaining("/var/lib/cutter/runs: No such file or directory") },
    });
  });

  it("of a unit that is not there says what systemctl said", async () => {
    const { host } = play({ looks: [{ states: still }], start: { code: 5, stderr: "Unit cutter-run@R-1.service not found.\n" } });
    await expect(startUnitAndWait(host, runId, watch())).rejects.toMatchObject({
      code: "RUN_UNIT_NOT_SET_UP",
      facts: { systemd: "Unit cutter-run@R-1.service not found." },
    });
  });

  it("whose own process systemd could not make, with no room for a result, did not start either", async () => {
    const lines = [
      "Starting cutter-run@R-1.service - cutter run R-1...",
      "cutter-run@R-1.service: Main process exited, code=exited, status=243/CREDENTIALS",
    ];
    const { host } = play({ looks: [{ states: still }, { states: ["failed", "inactive"], invocation: "i2" }], start: { code: 1 }, lines });
    await expect(startUnitAndWait(host, runId, watch())).rejects.toMatchObject({ code: "RUN_UNIT_NOT_SET_UP", exitCode: 10 });
  });

  it("that root refused without room for a result tells root's own refusal", async () => {
    const { host } = play({
      looks: [{ states: still }, { states: ["inactive", "failed"] }],
      start: { code: 1 },
      lines: ["[ERR] ENV_NAME_MISSING a needed name is in none of its env files name=X → add it"],
    });
    await expect(startUnitAndWait(host, runId, watch())).rejects.toMatchObject({ code: "ENV_NAME_MISSING" });
  });

  it("that is going on is joined: nothing is started, and its result is its own", async () => {
    const said: string[] = [];
    const { host, typed } = play({
      looks: [
        { states: ["activating", "active"], invocation: "i1" },
        { states: ["failed", "inactive"], result: "2.new", invocation: "i1" },
      ],
      lines: ["[WARN] gate source_pin waits_on=knowledge_base for 30.0 s", "[WARN] gate source_pin waits_on=knowledge_base for 60.0 s"],
    });
    const result = await startUnitAndWait(
      host,
      runId,
      watch(startableUnits.run, (line) => said.push(line)),
    );
    expect([result.code, typed]).toEqual(["RUN_KILLED", []]);
    const until = "2025-10-09T09:22:20Z";
    expect(said).toEqual([
      "[INFO] it is going on since 2025-10-09T08:52:20Z: shown from its beginning, nothing is started",
      expect.stringContaining(`ends by itself at ${until} at the latest; Ctrl-C is safe: it goes on, and runbooks/start-run --run-id R-1`),
      expect.stringContaining("waits_on=knowledge_base for 30.0 s"),
      expect.stringContaining(`waits for knowledge_base and asks again by itself, until ${until} at the latest; Ctrl-C is safe`),
      expect.stringContaining("waits_on=knowledge_base for 60.0 s"),
    ]);
  });

  it.each<[string, Watch["unit"], Scene, string, string]>([
    ["a run whose line broke", startableUnits.run, { looks: killedStates, breaksAfter: 2 }, "RUN_OUTCOME_UNKNOWN", "line_broke"],
    ["a revert whose line broke", startableUnits.revert, { looks: killedStates, breaksAfter: 2 }, "REVERT_OUTCOME_UNKNOWN", "line_broke"],
    [
      "a run that ended without a result",
      startableUnits.run,
      { looks: [{ states: still }, { states: ["failed", "inactive"], invocation: "i2" }] },
      "RUN_OUTCOME_UNKNOWN",
      "no_result",
    ],
  ])("is unknown, never done: %s", async (_what, unit, scene, code, reason) => {
    await expect(startUnitAndWait(play(scene).host, runId, watch(unit))).rejects.toMatchObject({ code, exitCode: 30, facts: { reason } });
  });

  it("that goes on at the deadline is left to itself, and that is said", async () => {
    const { host } = play({ looks: [{ states: still }, { states: ["activating", "active"], invocation: "i2" }] });
    await expect(startUnitAndWait(host, runId, { ...watch(), deadlineMs: 1 })).rejects.toMatchObject({
      code: "RUN_OUTCOME_UNKNOWN",
      facts: { reason: "still_going_on", states: "activating,active" },
    });
  });

  it("that could not even be looked at before is not started", async () => {
    const { host, typed } = play({ looks: killedStates, breaksAfter: 0 });
    await expect(startUnitAndWait(host, runId, watch())).rejects.toMatchObject({ code: "HOST_OUTCOME_UNKNOWN" });
    expect(typed).toEqual([]);
  });
});

it("an option that is missing or empty is named", () => {
  for (const value of [undefined, ""])
    expect(() => toRequired(value, "--run-id")).toThrow(
      expect.objectContaining({ code: "USAGE_INVALID", facts: { reason: "argument_missing", option: "--run-id" } }),
    );
});
