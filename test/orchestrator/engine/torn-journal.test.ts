// A journal that ends in the middle of a record: our own append was cut off. The next start cuts it back and says so, unless the knowledge
// base witnesses that more than that is gone.
import { readFile, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { auditRun } from "../../../orchestrator/audit/audit-run.ts";
import { sha256Hex } from "../../../orchestrator/core/encoding/digest.ts";
import { readChain } from "../../../orchestrator/core/journal/chain.ts";
import { toStatus } from "../../../orchestrator/core/journal/status.ts";
import { readBundle } from "../../../orchestrator/evidence/bundle.ts";
import { findUnfinishedRuns } from "../../../orchestrator/root-helper/arming/find-unfinished-runs.ts";
import { phases } from "../../../orchestrator/phases/index.ts";
import { makeEvidencedWorld, type EvidencedWorld } from "../../support/live-run-files.ts";
import { liveRunId } from "../../support/worlds/live-world.ts";

let world: EvidencedWorld;
let journal: string;
beforeEach(async () => {
  world = await makeEvidencedWorld();
  journal = join(world.folder, "journal.jsonl");
});
afterEach(() => world.live.remove());

const read = async () => readChain(await readFile(journal), "journal");
const audit = async () =>
  await auditRun(
    readBundle(await readFile(join(world.folder, "audit-bundle.tar"))),
    { sovereign: world.live.sovereign.file, architect: null },
    { phases, releaseSha256: "0".repeat(64) },
  );

/** Leaves the record of this kind, and of this number among its kind, without its last bytes. */
async function tear(kind: string, missingBytes: number): Promise<Buffer> {
  let met = false;
  await world.start((name, at) => !met && (met = name === "appended" && at === kind)).catch(() => undefined);
  const whole = await readFile(journal);
  await truncate(journal, whole.length - missingBytes);
  const begins = whole.subarray(0, -1).lastIndexOf("\n") + 1;
  return whole.subarray(begins, whole.length - missingBytes);
}

it.each([
  ["phase_done", 1],
  ["phase_done", 30],
  ["effect_intended", 5],
  ["run_started", 40],
  ["receipt", 2],
])("a %s without its last %i bytes is cut back by the next start, which says what it cut and finishes the run", async (kind, missing) => {
  const tail = await tear(kind, missing);
  const before = await read();
  expect(before.torn).toEqual({ bytes: tail.length, sha256: sha256Hex(tail) });
  expect(await world.start()).toMatchObject({ result: "done", exit_code: 0 });
  const after = await read();
  expect(after.torn).toBeNull();
  const next = after.records[before.records.length];
  expect(next?.cut).toEqual(before.torn);
  expect(next?.entry.kind).toBe(kind === "run_started" ? "run_started" : "attempt_started");
  expect(after.records.filter(({ cut }) => cut !== undefined)).toHaveLength(1);
  expect((await audit()).findings).toEqual([]);
});

it("the end of a run that is done is written again, so that its evidence has an end", async () => {
  await tear("run_finished", 0);
  const line = `{"seq":${String((await read()).records.length)},"at":"2026-11-22T10:00:00.000Z","kind":"attempt_en`;
  await writeFile(journal, line, { flag: "a" });
  expect(await world.start()).toMatchObject({ result: "done", exit_code: 0, replay: true });
  const { records, torn } = await read();
  expect(torn).toBeNull();
  expect(records.at(-1)).toMatchObject({ cut: { bytes: line.length, sha256: sha256Hex(line) }, entry: { kind: "attempt_ended" } });
  expect(toStatus(records)).toMatchObject({ attemptOpen: false, finished: { result: "done" } });
  expect((await audit()).findings).toEqual([]);
});

it.each(["and torn", "at a line's end"])(
  "a journal that lost records which the knowledge base witnesses, cut %s, is damaged",
  async (where) => {
    let met = 0;
    await world.start((name, at) => name === "appended" && at === "receipt" && ++met === 4).catch(() => undefined);
    const whole = await readFile(journal);
    const lines = whole.toString("utf8").trimEnd().split("\n");
    const kept = lines.slice(0, lines.findLastIndex((line) => line.includes('"kind":"phase_started"')) + 1);
    await writeFile(journal, `${kept.join("\n")}\n${where === "and torn" ? '{"seq":' : ""}`);
    const bytes = await readFile(journal);
    const end = await world.start().catch((error: unknown) => error);
    expect(end).toMatchObject({
      code: "JOURNAL_DAMAGED",
      facts: { reason: "behind_knowledge_base", records: kept.length, document: expect.stringContaining("/04-pre-write-backup.md") },
    });
    // Where a tail would have to be cut back, not a byte is touched; else the start says how it ended.
    expect((await readFile(journal)).equals(bytes)).toBe(where === "and torn");
    expect(world.live.cut.commits).toEqual([]);
  },
);

it.each([
  ["empty", 0],
  ["with its first line alone", 1],
])("a journal found %s begins no run that the knowledge base knows: no document of it is overwritten", async (_what, lines) => {
  await tear("run_finished", 0);
  const left = (await readFile(journal, "utf8"))
    .split("\n")
    .slice(0, lines)
    .map((line) => `${line}\n`);
  await writeFile(journal, left.join(""));
  const document = `${world.live.world.config.kb_runs_folder}/${liveRunId}/01-source-pin.md`;
  const before = await world.live.world.ports.knowledgeBase.read(document);
  expect(before).not.toBeNull();
  await expect(world.start()).rejects.toMatchObject({ code: "JOURNAL_DAMAGED", facts: { reason: "behind_knowledge_base", document } });
  expect(await readFile(journal, "utf8")).toBe(left.join(""));
  expect(await world.live.world.ports.knowledgeBase.read(document)).toEqual(before);
});

it("a journal that lost records stays damaged, however many starts have told so since", async () => {
  let met = 0;
  await world.start((name, at) => name === "appended" && at === "receipt" && ++met === 2).catch(() => undefined);
  const lines = (await readFile(journal, "utf8")).split("\n");
  await writeFile(journal, `${lines.slice(0, 2).join("\n")}\n`);
  for (let start = 1; start <= 4; start += 1)
    expect(await world.start()).toMatchObject({ code: "JOURNAL_DAMAGED", facts: { reason: "behind_knowledge_base" } });
  expect(world.live.cut.commits).toEqual([]);
});

it("a torn tail waits for a knowledge base that is away: nothing is cut back unseen", async () => {
  await tear("phase_done", 9);
  const bytes = await readFile(journal);
  await expect(world.start(undefined, ({ outage }) => (outage.on = "always"))).rejects.toMatchObject({
    code: "KB_UNAVAILABLE",
    exitCode: 11,
  });
  expect(await readFile(journal)).toEqual(bytes);
  expect(await world.start()).toMatchObject({ result: "done" });
});

it("an unfinished append is no write: whoever enables reads the journal as the next start does", async () => {
  const files = world.live.world.ports.files;
  const unfinished = async (text: string): Promise<readonly string[]> => {
    await writeFile(journal, text);
    return await findUnfinishedRuns(files, world.live.world.config.sidecar_root, "another");
  };
  await tear("run_started", 9);
  const torn = await readFile(journal, "utf8");
  expect(await unfinished(torn)).toEqual([]);
  expect(await unfinished(`${torn}\n`)).toEqual([liveRunId]);
  for (const damaged of ["\0".repeat(torn.length), torn.slice(1)]) expect(await unfinished(damaged)).toEqual([liveRunId]);
});
