// The live runs of a host in its survey: read by the very script, judged open or closed, and told as findings until they are closed.
import { execFileSync } from "node:child_process";
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parseConnections } from "../../../../orchestrator/core/host/connections.ts";
import { parseHostFacts, type HostFacts } from "../../../../orchestrator/core/host/facts.ts";
import { noRulings } from "../../../../orchestrator/core/gaps/archived-rulings.ts";
import { noRestoreProofs } from "../../../../orchestrator/core/gaps/restore-proof.ts";
import { isOpenRun, toSurveyedRuns } from "../../../../orchestrator/core/gaps/runs.ts";
import { chainStart, toLine } from "../../../../orchestrator/core/journal/chain.ts";
import { idleLine } from "../../../../orchestrator/core/run/unfinished-runs.ts";
import { toSurveyFindings } from "../../../../orchestrator/core/survey/findings.ts";
import { readyLines } from "../../../support/survey-facts.ts";

const sha256 = "a".repeat(64);
const at = "2026-11-22T10:00:00.000Z";
const started = (mode: "live" | "dryrun"): object => ({
  kind: "run_started",
  run_id: "r",
  document_id: "knowledge/a.md",
  mode,
  inputs: { request_sha256: sha256, config_sha256: sha256, release_sha256: null, host_identity: null },
});
const written = { kind: "transaction", step: "SG_1", id: "900" };
const ended = (code: string | null): object => ({ kind: "attempt_ended", attempt: 1, why: "stopped", code, facts: {}, connections: [] });
const finished = { kind: "run_finished", result: "done", certificate: null, exit_code: 0 };
const revertStarted = { kind: "revert_started", run_id: "r", document_id: "knowledge/a.md", payload_sha: sha256 };

let runs: string;
beforeEach(() => (runs = mkdtempSync(join(tmpdir(), "cutter-runs-"))));
afterEach(() => rmSync(runs, { recursive: true }));

function writeRun(name: string, entries: readonly object[], revert: readonly object[] = []): void {
  mkdirSync(join(runs, name, "revert"), { recursive: true });
  const text = (all: readonly object[]): string => all.map((entry, seq) => `${toLine(entry, { seq, at, prev: chainStart })}\n`).join("");
  writeFileSync(join(runs, name, "journal.jsonl"), text(entries));
  if (revert.length > 0) writeFileSync(join(runs, name, "revert/journal.jsonl"), text(revert));
}

/** The facts of a ready host with the runs of this folder, as the survey's own script prints them. */
function look(): HostFacts {
  const script = readFileSync(new URL("../../../../orchestrator/root-helper/survey/host-facts.sh", import.meta.url), "utf8");
  const printed = execFileSync("sh", ["-s", "--", idleLine], { input: script.replaceAll("/var/lib/cutter/runs", runs), encoding: "utf8" });
  return parseHostFacts([...readyLines(), ...printed.split("\n").filter((line) => line.startsWith("run"))].join("\n"));
}

const findings = (facts: HostFacts): readonly string[] =>
  toSurveyFindings(facts, noRulings, noRestoreProofs)
    .filter(({ code }) => /RUN|REVERT/.test(code) && code !== "RUNBOOK_UNRATIFIED")
    .map(({ code, severity, summary }) => `${severity} ${code}: ${summary}`);

describe("the live runs of a host", () => {
  test("are open until they are done, given up or reverted; dry runs are none", () => {
    writeRun("waits", [started("live"), { kind: "attempt_started", attempt: 1, pid: 1, boot_id: "b" }, written, ended("APPROVAL_MISSING")]);
    writeRun("begun", [started("live"), ended("APPROVAL_MISSING")]);
    writeRun("done", [started("live"), written, finished]);
    writeRun("void", [started("live"), written, { kind: "run_voided", why: "w" }]);
    writeRun("back", [started("live"), written, finished], [revertStarted, { kind: "reverted", units: 1, found: "committed" }]);
    writeRun("dry.dryrun", [started("dryrun"), ended(null)]);
    const facts = look();
    const found = toSurveyedRuns(facts);
    expect(Object.fromEntries(found.map(({ runId, state }) => [runId, state]))).toEqual({
      waits: "written",
      begun: "begun",
      done: "done",
      void: "given up",
      back: "reverted",
    });
    expect(["waits", "begun", "done", "void", "back", "never"].filter((run) => isOpenRun(found, run))).toEqual(["waits", "begun", "never"]);
    expect(findings(facts)).toEqual([
      expect.stringMatching(/^warning LIVE_RUN_WAITING: live run begun of knowledge\/a\.md .*APPROVAL_MISSING.*explain --run-id begun/),
      expect.stringMatching(
        /^red LIVE_RUN_UNFINISHED: live run waits .*APPROVAL_MISSING, last record 2026-\S+; cutter orchestrate explain/,
      ),
    ]);
  });

  test("are told by whole lines: what an append left behind the last newline is none", () => {
    writeRun("cut", [started("live"), ended("APPROVAL_MISSING")]);
    writeRun("almost", [started("live"), written, ended(null)]);
    writeRun("unsure", [started("live"), written, finished], [revertStarted]);
    writeRun("bare", []);
    const leave = (file: string, entry: object): void =>
      appendFileSync(join(runs, file), toLine(entry, { seq: 9, at: "2026-11-22T11:00:00.000Z", prev: chainStart }));
    leave("cut/journal.jsonl", written);
    leave("almost/journal.jsonl", finished);
    leave("unsure/revert/journal.jsonl", { kind: "reverted", units: 1, found: "committed" });
    leave("bare/journal.jsonl", started("dryrun"));
    const found = toSurveyedRuns(look());
    expect(Object.fromEntries(found.map((run) => [run.runId, [run.state, run.revertBegun, run.at]]))).toEqual({
      cut: ["begun", false, at],
      almost: ["written", false, at],
      unsure: ["done", true, at],
      bare: ["begun", false, null],
    });
  });

  test("with a revert under way, and with a journal nobody can read, are told as red", () => {
    writeRun("half", [started("live"), written, finished], [revertStarted]);
    mkdirSync(join(runs, "torn"));
    writeFileSync(join(runs, "torn/journal.jsonl"), "garbage\n");
    expect(findings(look())).toEqual([
      expect.stringMatching(/^red REVERT_UNFINISHED: the revert of live run half /),
      expect.stringMatching(/^red LIVE_RUN_UNFINISHED: live run torn of an unknown document/),
    ]);
  });
});

describe("logins and knowledge base", () => {
  const told = (connections: HostFacts["connections"]): readonly string[] =>
    toSurveyFindings({ ...parseHostFacts(readyLines().join("\n")), connections }, noRulings, noRestoreProofs)
      .filter(({ code }) => /LOGIN|KNOWLEDGE|CONNECTIONS/.test(code))
      .map(({ code, severity, summary }) => `${severity} ${code}: ${summary}`);

  test("that were tried and failed are red findings by name; untried is said, and answered is silent", () => {
    const text = JSON.stringify({
      schema: "cutter.connections/1",
      tried: [
        { name: "cutter_exec", kind: "login", problem: null },
        { name: "cutter_verify", kind: "login", problem: "DATABASE_LOGIN_REFUSED x" },
        { name: "knowledge_base", kind: "knowledge_base", problem: "KB_UNAVAILABLE x" },
      ],
    });
    expect(told(parseConnections(text))).toEqual([
      "red LOGIN_FAILED: cutter_verify: DATABASE_LOGIN_REFUSED x",
      "red KNOWLEDGE_BASE_FAILED: knowledge_base: KB_UNAVAILABLE x",
    ]);
    expect(told([{ name: "cutter_exec", kind: "login", problem: null }])).toEqual([]);
    for (const said of ["", "no json", "{}"])
      expect(told(parseConnections(said))).toEqual([expect.stringMatching(/^note CONNECTIONS_UNTRIED: .*cutter connections tries them/)]);
  });
});

describe("the way back", () => {
  const without = (pattern: RegExp, text: string): HostFacts =>
    parseHostFacts(
      readyLines()
        .map((line) => line.replace(pattern, text))
        .filter((line) => line !== "")
        .join("\n"),
    );

  test("that is not pinned, or whose role the database has not, is a red finding", () => {
    expect(findings(without(/^config\trevert_principal.*$/, ""))).toEqual([
      expect.stringMatching(/^red REVERT_PRINCIPAL_NOT_PINNED: .*none can be enabled/),
    ]);
    expect(findings(without(/("name":"cutter_revert","present":)true/, "$1false"))).toEqual([
      expect.stringMatching(/^red REVERT_PRINCIPAL_MISSING: .*sql\/grants\/cutter_revert\.sql/),
    ]);
    expect(findings(parseHostFacts(readyLines().join("\n")))).toEqual([]);
  });
});
