// How a live run that was killed exits: 20 once its journal names a transaction, or cannot be read; 10 before that.
import { readFileSync, symlinkSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { runResultSchema, type RunResult } from "../../../../orchestrator/core/run/result.ts";
import { cleanUpKilledRun } from "../../../../orchestrator/root-helper/run/finish-run.ts";
import { prepareRun } from "../../../../orchestrator/root-helper/run/prepare-run.ts";
import { makeHostFolder, requestText, type HostFolder } from "../../../support/host-folder.ts";

let folder: HostFolder;
beforeEach(() => {
  folder = makeHostFolder();
});
afterEach(() => folder.remove());

const now = new Date("2026-11-22T10:00:00Z");
const readResult = (id: string): RunResult =>
  runResultSchema.parse(JSON.parse(readFileSync(folder.at(`run/cutter/results/${id}.json`), "utf8")));

describe("release-run", () => {
  const record = (seq: number, entry: object): string =>
    `${JSON.stringify({ seq, at: "2026-11-22T10:00:00.000Z", prev: "0".repeat(64), ...entry })}\n`;
  const intended = record(0, { kind: "effect_intended", step: "SG_1", effect_sha256: "0".repeat(64) });
  const transaction = record(1, { kind: "transaction", step: "SG_1", id: "900" });
  test.each<[string, string | null, number]>([
    ["before its journal was there", null, 10],
    ["before its journal had a line", "", 10],
    ["once it had intended a write", intended, 10],
    ["in the middle of naming a transaction", intended + transaction.slice(0, -3), 10],
    ["once it had named a transaction", intended + transaction, 20],
    ["with a journal that cannot be read", "{}\n", 20],
  ])("a live run that was killed %s", (_when, journal, exitCode) => {
    folder.write("etc/cutter/requests/R-1.yaml", requestText("R-1", "live"), 0o640);
    prepareRun(folder.host, "R-1", now);
    if (journal !== null) folder.write("var/lib/cutter/runs/R-1/journal.jsonl", journal, 0o600);
    cleanUpKilledRun(folder.host, "R-1");
    expect(readResult("R-1")).toMatchObject({ code: "RUN_KILLED", exit_code: exitCode });
  });

  test("a journal that is a link is not read, and counts as one that has written", () => {
    folder.write("etc/cutter/requests/R-1.yaml", requestText("R-1", "live"), 0o640);
    prepareRun(folder.host, "R-1", now);
    symlinkSync("/dev/null", folder.at("var/lib/cutter/runs/R-1/journal.jsonl"));
    cleanUpKilledRun(folder.host, "R-1");
    expect(readResult("R-1")).toMatchObject({ exit_code: 20 });
  });
});
