// Which other runs `enable` names: the same ones that `up` and `destroy` refuse for
// (test/provision/provider/kinds/support/execution.test.ts).
import { mkdirSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, expect, it } from "vitest";
import { chainStart, toLine } from "../../../../orchestrator/core/journal/chain.ts";
import { findUnfinishedRuns } from "../../../../orchestrator/root-helper/arming/find-unfinished-runs.ts";
import { hostFiles } from "../../../../orchestrator/root-helper/files/host-files.ts";
import { makeHostFolder, type HostFolder } from "../../../support/host-folder.ts";

const runs = "var/lib/cutter/runs";
const sha = "a".repeat(64);
const started = {
  kind: "run_started",
  run_id: "R-2",
  document_id: "knowledge/a.md",
  mode: "live",
  inputs: { request_sha256: sha, config_sha256: sha, release_sha256: sha, host_identity: sha },
};
const wrote = [
  { kind: "effect_intended", step: "SG_1", effect_sha256: sha },
  { kind: "transaction", step: "SG_1", id: "1" },
  { kind: "effect_done", step: "SG_1", effect_sha256: sha, found: "committed" },
];
const finished = { kind: "run_finished", result: "done", certificate: null, exit_code: 0 };

let folder: HostFolder;
beforeEach(() => {
  folder = makeHostFolder();
});
afterEach(() => folder.remove());

const toJournal = (entries: readonly object[]): string =>
  entries.map((entry, seq) => `${toLine(entry, { seq, at: "2026-11-22T10:00:00.000Z", prev: chainStart })}\n`).join("");

function writeRun(runId: string, journal: string, revert = ""): void {
  mkdirSync(folder.at(`${runs}/${runId}/revert`), { recursive: true });
  writeFileSync(folder.at(`${runs}/${runId}/journal.jsonl`), journal);
  writeFileSync(folder.at(`${runs}/${runId}/revert/journal.jsonl`), revert);
}

const find = () => findUnfinishedRuns(hostFiles(folder.host), `/${runs}`, "R-1");

it.each<readonly [string, readonly object[], readonly object[], boolean]>([
  ["not a run that wrote nothing", [started], [], false],
  ["a run that has written", [started, ...wrote], [], true],
  ["not one that is closed out", [started, ...wrote, finished], [], false],
  ["not one that was given up", [started, ...wrote, { kind: "run_voided", why: "signed" }], [], false],
  ["not one that was reverted", [started, ...wrote], [{ kind: "reverted", units: 2, found: "committed" }], false],
  ["not a dry run", [{ ...started, mode: "dryrun" }, ...wrote], [], false],
])("names %s", async (_what, entries, revert, named) => {
  writeRun("R-2", toJournal(entries), toJournal(revert));
  expect(await find()).toEqual(named ? ["R-2"] : []);
});

it("names a run whose journal is no journal or cannot be read, and never the run itself nor its dry run", async () => {
  for (const runId of ["R-1", "R-1.dryrun", "R-2"]) writeRun(runId, "{}\n");
  mkdirSync(folder.at(`${runs}/R-3/journal.jsonl`), { recursive: true });
  expect(await find()).toEqual(["R-2", "R-3"]);
});

it("names nobody where there is no run", async () => {
  expect(await find()).toEqual([]);
});
