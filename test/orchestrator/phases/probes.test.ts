// What each write phase's probe says of the rows a run left: nothing, all of it with its digest, a part, or something else. No other answer
// lets a step count as done.
import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Layers } from "../../../orchestrator/core/journal/effect.ts";
import { toPhaseStem } from "../../../orchestrator/core/knowledge-base/phase-document-id.ts";
import { phases } from "../../../orchestrator/phases/index.ts";
import type { RowEffect, PhaseOutputs } from "../../../orchestrator/phases/define.ts";
import type { DecidedApproval, ReadPorts } from "../../../orchestrator/ports/run-ports.ts";
import type { FakeCut } from "../../support/worlds/fake-cut.ts";
import { liveRunId, makeLiveWorld, uuids, type LiveWorld } from "../../support/worlds/live-world.ts";
import type { PhaseName } from "../../../orchestrator/core/phase-names.ts";

const steps = ["cut_leg_a", "leg_b_record", "write_verify", "lifecycle_enact"] as const;
type Step = (typeof steps)[number];
type Rows = FakeCut["rows"];

let live: LiveWorld;
let ports: ReadPorts;
let outputs: PhaseOutputs;
let landed: Rows;
beforeAll(async () => {
  live = await makeLiveWorld();
  await live.approve("SG_1");
  await live.approve("SG_2");
  expect(await live.start()).toMatchObject({ result: "done" });
  landed = live.cut.rows;
  const read = async (phase: PhaseName, index: number): Promise<readonly [PhaseName, unknown]> => [
    phase,
    JSON.parse(await readFile(`${live.folder}/runs/${liveRunId}/outputs/${toPhaseStem(index + 1, phase)}.json`, "utf8")),
  ];
  outputs = new Map(await Promise.all(phases.map(({ name }, index) => read(name, index))));
  const decided = (gate: "SG_1" | "SG_2"): DecidedApproval => {
    const row = landed.decisions.find((candidate) => candidate.gate === gate);
    if (row === undefined) throw new Error(`no row of ${gate}`);
    const signatures = (landed.legB[0]?.record.signatures ?? []).map(({ signerRole, keyFingerprint, signatureSha256 }) => ({
      role: signerRole,
      fingerprint: keyFingerprint,
      signatureSha256,
    }));
    return {
      gate,
      reviewDecisionId: row.id,
      payloadSha: row.payloadSha,
      approvalKbId: row.approvalKbId,
      approvalSha256: row.approvalSha256,
      signatures,
    };
  };
  ports = {
    ...live.world.ports,
    run: { ...live.world.toRun().facts, runId: liveRunId, mode: "live" },
    history: {
      before: { kind: "census_before", tables: [], system_identifier: "", counters: null },
      done: [],
      connections: [],
      killedAttempts: 0,
      decided: { SG_1: decided("SG_1"), SG_2: decided("SG_2") },
    },
  };
});
beforeEach(() => {
  live.cut.rows = structuredClone(landed);
});
afterAll(() => live.remove());

function requireRows(step: Step): RowEffect {
  const rows = phases.find(({ name }) => name === step)?.live ?? null;
  if (rows === null) throw new Error(`${step} writes no rows`);
  return rows;
}

const probe = (step: Step): Promise<Layers> => requireRows(step).probe(ports, outputs);
const toExpected = (step: Step): string => requireRows(step).expectedSha256(ports.run, ports.history, outputs);
const none = { state: "none" };

describe.each(steps)("%s", (step) => {
  it("finds nothing in either layer where nothing landed", async () => {
    live.cut.rows = { decisions: [], units: [], legB: [], verified: [], enacted: [] };
    expect(await probe(step)).toEqual({ unique: none, recorder: none });
  });

  it("finds in both layers exactly the digest that plan and approvals lead to", async () => {
    const there = { state: "there", sha256: toExpected(step) };
    expect(await probe(step)).toEqual({ unique: there, recorder: there });
  });

  it("takes no row of another run for this run's", async () => {
    const { rows } = live.cut;
    live.cut.rows = {
      decisions: rows.decisions,
      units: rows.units.map((unit) => ({ ...unit, runId: "run-2" })),
      legB: rows.legB.map(({ changeSetId, record }) => ({
        changeSetId: changeSetId.replace(/^./, "z"),
        record: { ...record, runId: "run-2" },
      })),
      verified: rows.verified.map((row) => ({ ...row, changeSetId: "another" })),
      enacted: rows.enacted.map((row) => ({ ...row, runId: "run-2" })),
    };
    expect(await probe(step)).toEqual({ unique: none, recorder: none });
  });
});

/** Each leaves something that is neither nothing nor what was to be written: `layers` says in which layer that shows, and how. */
const damages: readonly (readonly [step: Step, what: string, damage: (rows: Rows) => void, layers: object])[] = [
  ["cut_leg_a", "a unit is missing", ({ units }) => void units.pop(), { unique: { state: "partial" }, recorder: { state: "partial" } }],
  [
    "cut_leg_a",
    "a unit too many stands",
    ({ units }) => void units.push(...units.slice(0, 1)),
    { unique: { state: "partial" }, recorder: { state: "partial" } },
  ],
  [
    "cut_leg_a",
    "the run's key stands at an address nobody planned",
    (rows) => change(rows, "units", { address: "elsewhere/1" }),
    { unique: { state: "partial" }, recorder: { state: "there", other: true } },
  ],
  [
    "cut_leg_a",
    "the stored bytes are others, under the recorded digest",
    (rows) => change(rows, "units", { body: "others" }),
    { unique: { state: "there", other: true }, recorder: { state: "there", other: true } },
  ],
  [
    "cut_leg_a",
    "it came from another version of the source",
    (rows) => change(rows, "units", { sourceVersionId: uuids.SG_3 }),
    { recorder: { state: "there", other: true } },
  ],
  [
    "leg_b_record",
    "the change set tells of another digest",
    (rows) => changeRecord(rows, { toDigest: "0".repeat(64) }),
    { unique: { state: "there", other: true }, recorder: { state: "there", other: false } },
  ],
  [
    "leg_b_record",
    "the change set tells of another decision",
    (rows) => changeRecord(rows, { reviewDecisionId: uuids.SG_3 }),
    { unique: { state: "there", other: true } },
  ],
  [
    "leg_b_record",
    "the envelope tells of another manifest",
    (rows) => changeRecord(rows, { manifestSha256: "0".repeat(64) }),
    { unique: { state: "there", other: false }, recorder: { state: "there", other: true } },
  ],
  [
    "leg_b_record",
    "a signature's row is missing",
    (rows) => changeRecord(rows, { signatures: [] }),
    { unique: { state: "there", other: false }, recorder: { state: "partial" } },
  ],
  [
    "write_verify",
    "the row tells of another verdict",
    (rows) => change(rows, "verified", { verdict: "fail" }),
    { unique: { state: "there", other: true }, recorder: { state: "there", other: true } },
  ],
  [
    "write_verify",
    "the row tells of another digest",
    (rows) => change(rows, "verified", { toDigest: "0".repeat(64) }),
    { unique: { state: "there", other: true } },
  ],
  [
    "lifecycle_enact",
    "one unit's log row is missing",
    ({ enacted }) => void enacted.pop(),
    { unique: { state: "there", other: false }, recorder: { state: "partial" } },
  ],
  [
    "lifecycle_enact",
    "the log is full and a unit is a draft",
    (rows) => change(rows, "units", { lifecycleState: "draft" }),
    { unique: { state: "partial" }, recorder: { state: "there", other: false } },
  ],
  [
    "lifecycle_enact",
    "a log row names another decision",
    (rows) => change(rows, "enacted", { reviewDecisionId: uuids.SG_3 }),
    { recorder: { state: "there", other: true } },
  ],
  [
    "lifecycle_enact",
    "a log row names no decision",
    (rows) => change(rows, "enacted", { reviewDecisionId: null }),
    { recorder: { state: "there", other: true } },
  ],
];

it.each(damages)("%s is neither undone nor done when %s", async (step, _what, damage, layers) => {
  damage(live.cut.rows);
  const expected = toExpected(step);
  const seen = Object.entries(await probe(step)).map(([layer, found]: [string, Layers["unique"]]) => [
    layer,
    found.state === "there" ? { state: found.state, other: found.sha256 !== expected } : found,
  ]);
  expect(Object.fromEntries(seen)).toMatchObject(layers);
});

/** The second row, if there is one, else the first. */
function change<Name extends "units" | "verified" | "enacted">(rows: Rows, name: Name, values: Partial<Rows[Name][number]>): void {
  const row = rows[name].at(1) ?? rows[name].at(0);
  if (row !== undefined) Object.assign(row, values);
}

function changeRecord(rows: Rows, values: Partial<Rows["legB"][number]["record"]>): void {
  rows.legB = rows.legB.map(({ changeSetId, record }) => ({ changeSetId, record: { ...record, ...values } }));
}
