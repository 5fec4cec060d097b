// arm: a good ruling arms once, per start spent; everything else is refused, spends nothing and leaves no token.
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { parseArmToken } from "../../../../orchestrator/core/arming/token.ts";
import { sha256Hex } from "../../../../orchestrator/core/encoding/digest.ts";
import { CutterError } from "../../../../orchestrator/core/errors.ts";
import type { Gap } from "../../../../orchestrator/core/gaps/gaps.ts";
import { arm, type ArmReport } from "../../../../orchestrator/root-helper/arming/arm-run.ts";
import { exportKey, ruling, sg1, sign, toDocument } from "../../../support/approval-material.ts";
import { seconds, toToken } from "../../../support/arm-token.ts";
import { createGpgHome, type GpgHome } from "../../../support/gpg.ts";
import { configText, makeHostFolder, type HostFolder } from "../../../support/host-folder.ts";
import { leaveStop } from "../../../support/last-stop.ts";
import { toNamed, toRefusal } from "../../../support/refusal-case.ts";

const runId = "R-1";
const documentId = "knowledge/other/a.md";
const machineId = "0123456789abcdef0123456789abcdef";
const host = sha256Hex(`cutter:${machineId}`);
const manifest = '{"schema":"cutter.manifest/1"}\n';
const source = sha256Hex("the document");
const planText = JSON.stringify({ documentId, sourceSha256: source, sourceBytes: 10, sourceRevision: 1, units: [] });
const payload = sha256Hex(planText);
const runbook = "-- the runbook\n";
const gap = (id: string, state: "open" | "closed"): Gap => ({
  id: id as Gap["id"],
  state,
  summary: "",
  closedBy: "",
  evidence: [`evidence of ${id}`],
});

let home: GpgHome;
let sovereign: string;
let architect: string;
let folder: HostFolder;
let now: Date;
let gaps: readonly Gap[];

beforeAll(() => {
  home = createGpgHome();
  sovereign = home.createKey("sovereign", { algorithm: "ed25519" });
  architect = home.createKey("architect", { algorithm: "ed25519" });
});
afterAll(() => home.remove());
afterEach(() => folder.remove());
beforeEach(() => {
  folder = makeHostFolder();
  now = new Date();
  gaps = ["1", "2", "3", "4", "5", "6"].map((digit) => gap(`GAP-${digit}`, "closed")).concat(gap("GAP-7", "open"), gap("GAP-8", "open"));
  for (const path of [
    "etc/cutter/keys",
    "opt/cutter/current",
    "var/lib/cutter/runs/R-1.dryrun",
    "run/cutter/incoming/R-1",
    "var/lib/cutter-ledger",
  ])
    mkdirSync(folder.at(path), { recursive: true, mode: 0o700 });
  folder.write("etc/machine-id", `${machineId}\n`, 0o444);
  folder.write("opt/cutter/current/manifest.json", manifest, 0o644);
  folder.write("etc/cutter/rollback_runbook.sql", runbook, 0o644);
  writeConfig("governance_principal: directus_secdef\nrevert_principal: cutter_revert");
  writeRequest({});
  writeOutcome({});
  folder.write("var/lib/cutter/runs/R-1.dryrun/plan.json", planText, 0o600);
  pinKeys({ sovereign, architect, backup: sovereign });
  stageRuling({});
});

const writeConfig = (extra: string): void => folder.write("etc/cutter/orchestrator.yaml", configText(extra), 0o640);
const writeRequest = (change: object): void =>
  folder.write(
    "etc/cutter/requests/R-1.yaml",
    stringify({
      schema: "cutter.request/1",
      run_id: runId,
      document_id: documentId,
      mode: "live",
      approvals: { SG_1: "knowledge/a.md", SG_2: "knowledge/b.md" },
      ...change,
    }),
    0o640,
  );
const writeOutcome = (change: object): void =>
  folder.write(
    "var/lib/cutter/runs/R-1.dryrun/outcome.json",
    JSON.stringify({
      run_id: "R-1.dryrun",
      document_id: documentId,
      mode: "dryrun",
      result: "done",
      certificate: "pass",
      payload_sha: payload,
      would_refuse: [{ code: "APPROVAL_MISSING" }],
      ...change,
    }),
    0o600,
  );

function pinKeys(keys: Readonly<Record<string, string>>): void {
  rmSync(folder.at("etc/cutter/keys"), { recursive: true });
  mkdirSync(folder.at("etc/cutter/keys"));
  const claims = Object.entries(keys).map(([role, fingerprint]) => {
    const bytes = exportKey(home, fingerprint);
    writeFileSync(folder.at(`etc/cutter/keys/${role}.asc`), bytes);
    return JSON.stringify({
      path: `/etc/cutter/keys/${role}.asc`,
      urn: "u",
      sha256: "x",
      state: "claimed",
      contentSha256: sha256Hex(bytes),
    });
  });
  folder.write("etc/cutter/ownership.jsonl", `${claims.join("\n")}\n`, 0o600);
}

const bound = (change: object) => ({
  run_id: runId,
  document_id: documentId,
  payload_sha: payload,
  host,
  release_sha256: sha256Hex(manifest),
  issued_at: seconds(now),
  ...change,
});
const stage = (name: string, bytes: Uint8Array): void => {
  writeFileSync(folder.at(`run/cutter/incoming/R-1/${name}`), bytes, { mode: 0o600 });
  chmodSync(folder.at(`run/cutter/incoming/R-1/${name}`), 0o600);
};

function stageRuling(change: object, signers: readonly string[] = [sovereign, architect]): Buffer {
  const document = toDocument(
    ruling(
      bound({
        document_sha256: source,
        rollback_runbook_sha256: sha256Hex(runbook),
        grant_matrix_sha256: "a".repeat(64),
        expires_at: seconds(new Date(now.getTime() + 7_200_000)),
        accepts: [],
        ...change,
      }),
    ),
  );
  stage("ruling.md", document);
  for (const [index, key] of signers.entries())
    stage(`ruling.md.${index === 0 ? "sovereign" : "architect"}.asc`, sign(home, document, { key }));
  return document;
}

function stageDecision(change: object = {}): void {
  const document = toDocument(
    sg1(
      bound({
        gate: "SG_3",
        decision: "resume",
        phase: "write_verify",
        review_decision_id: "33333333-2222-4333-8444-555555555555",
        ...change,
      }),
    ),
  );
  stage("sg-3.md", document);
  stage("sg-3.md.asc", sign(home, document, { key: sovereign }));
}

const armNow = (): Promise<ArmReport> => arm({ host: folder.host, now: () => now, readGaps: () => Promise.resolve(gaps) }, runId);
const codeOf = (name = ""): Promise<string> =>
  armNow().then(
    () => "armed",
    (error: unknown) => (error instanceof CutterError ? String(toNamed(error, name)) : Promise.reject(error)),
  );
const armed = (): readonly string[] => readdirSync(folder.at("run/cutter/armed"));
const lines = (name: string): readonly Record<string, unknown>[] => {
  const file = folder.at(`var/lib/cutter-ledger/${name}.jsonl`);
  return existsSync(file)
    ? readFileSync(file, "utf8")
        .trimEnd()
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => JSON.parse(line) as Record<string, unknown>)
    : [];
};

describe("arm", () => {
  it("spends a start, notes it, and leaves one token that only cutter may read", async () => {
    const report = await armNow();
    expect(report).toMatchObject({
      schema: "cutter.arm/1",
      run_id: runId,
      start: 1,
      starts: 2,
      human_signers: 2,
      decision: null,
      expires_at: seconds(new Date(now.getTime() + 3_600_000)),
      unfinished: [],
    });
    expect(readdirSync(folder.at("run/cutter/armed/R-1")).toSorted()).toEqual([
      "ruling.md",
      "ruling.md.architect.asc",
      "ruling.md.sovereign.asc",
      "token.json",
    ]);
    const token = parseArmToken(readFileSync(folder.at("run/cutter/armed/R-1/token.json")));
    expect(token).toMatchObject({
      payload_sha: payload,
      host,
      release_sha256: sha256Hex(manifest),
      request_sha256: sha256Hex(readFileSync(folder.at("etc/cutter/requests/R-1.yaml"))),
      start: 1,
      keys: { sovereign: { fingerprint: sovereign }, architect: { fingerprint: architect } },
    });
    expect([
      statSync(folder.at("run/cutter/armed/R-1")).mode & 0o777,
      statSync(folder.at("run/cutter/armed/R-1/token.json")).mode & 0o777,
    ]).toEqual([0o750, 0o640]);
    expect(lines("spent")).toMatchObject([{ kind: "spent", gate: "RULING", run_id: runId, n: 1, of: 2 }]);
    expect(lines("audit")).toMatchObject([{ action: "enable", run_id: runId, start: 1, spent_seq: 0 }]);
    expect(readdirSync(folder.at("run/cutter")).filter((name) => name.startsWith("."))).toEqual([]);
  });

  it("spends the next start each time, and none is left after the last", async () => {
    for (const start of [1, 2]) {
      expect((await armNow()).start).toBe(start);
      rmSync(folder.at("run/cutter/armed/R-1"), { recursive: true });
    }
    expect(await codeOf()).toBe("RULING_SPENT");
    expect([armed(), lines("spent").length]).toEqual([[], 2]);
  });

  it("never lasts longer than the ruling", async () => {
    stageRuling({ expires_at: seconds(new Date(now.getTime() + 600_000)) });
    expect((await armNow()).expires_at).toBe(seconds(new Date(now.getTime() + 600_000)));
  });

  it("says one human signer where no architect is pinned", async () => {
    pinKeys({ sovereign, backup: sovereign });
    rmSync(folder.at("run/cutter/incoming/R-1/ruling.md.architect.asc"));
    stageRuling({}, [sovereign]);
    expect((await armNow()).human_signers).toBe(1);
    expect(readdirSync(folder.at("run/cutter/armed/R-1"))).not.toContain("ruling.md.architect.asc");
  });

  it("removes the token of a run that nobody started in time, and names live runs that have not ended", async () => {
    mkdirSync(folder.at("run/cutter/armed/R-0"));
    folder.write("run/cutter/armed/R-0/token.json", JSON.stringify(toToken(new Date(now.getTime() - 3_600_000), { run_id: "R-0" })), 0o640);
    mkdirSync(folder.at("var/lib/cutter/runs/R-2"));
    folder.write("var/lib/cutter/runs/R-2/journal.jsonl", "{}\n", 0o600);
    expect(await armNow()).toMatchObject({ expired_removed: ["R-0"], unfinished: ["R-2"] });
    expect(armed()).toEqual(["R-1"]);
  });

  it("carries a decision on a failure, once", async () => {
    stageDecision();
    expect((await armNow()).decision).toBe("resume");
    expect(parseArmToken(readFileSync(folder.at("run/cutter/armed/R-1/token.json"))).decision).toMatchObject({
      gate: "SG_3",
      decision: "resume",
      phase: "write_verify",
      kb_id: "knowledge/current-state/cutter-runs/r-1/approvals/sg-3-33333333.md",
    });
    rmSync(folder.at("run/cutter/armed/R-1"), { recursive: true });
    expect(await codeOf()).toBe("APPROVAL_SPENT");
    expect(lines("spent").map(({ gate }) => gate)).toEqual(["RULING", "SG_3"]);
  });
});

describe("arm refuses, spends nothing and leaves no token", () => {
  const other = sha256Hex("another");
  it.each<readonly [what: string, code: string, spoil: () => void]>([
    ["while the latch is set", "ENABLE_LATCHED", () => folder.write("etc/cutter/execution/DISABLED", "", 0o644)],
    ["while the latch is a link to nowhere", "ENABLE_LATCHED", () => symlinkSync("/nowhere", folder.at("etc/cutter/execution/DISABLED"))],
    ["without a request", "REQUEST_INVALID reason=missing", () => rmSync(folder.at("etc/cutter/requests/R-1.yaml"))],
    ["for a request of mode dryrun", "ENABLE_REQUEST_UNFIT", () => writeRequest({ mode: "dryrun" })],
    ["for a request of another document", "ENABLE_REQUEST_UNFIT", () => writeRequest({ document_id: "knowledge/other/b.md" })],
    ["for a request without approvals", "ENABLE_REQUEST_UNFIT", () => writeRequest({ approvals: { SG_1: "knowledge/a.md" } })],
    ["without a dry run", "APPROVAL_DRY_RUN_UNFIT", () => rmSync(folder.at("var/lib/cutter/runs/R-1.dryrun"), { recursive: true })],
    ["after a dry run that waits", "APPROVAL_DRY_RUN_UNFIT", () => writeOutcome({ result: "waiting" })],
    ["after a dry run without a pass", "APPROVAL_DRY_RUN_UNFIT", () => writeOutcome({ certificate: "inconclusive" })],
    [
      "after a dry run whose plan was changed",
      "APPROVAL_DRY_RUN_UNFIT",
      () => folder.write("var/lib/cutter/runs/R-1.dryrun/plan.json", `${planText} `, 0o600),
    ],
    ["while nobody may revert it", "REVERT_PRINCIPAL_NOT_PINNED", () => writeConfig("governance_principal: directus_secdef")],
    ["after a dry run that found a reason", "ENABLE_WOULD_REFUSE", () => writeOutcome({ would_refuse: [{ code: "ADDRESSES_TAKEN" }] })],
    [
      "after a dry run that found a reason nobody can accept",
      "ENABLE_WOULD_REFUSE",
      () => {
        writeOutcome({ would_refuse: [{ code: "ADDRESSES_TAKEN" }] });
        stageRuling({ accepts: ["ADDRESSES_TAKEN"] });
      },
    ],
    [
      "with a principal too strong that the ruling does not name",
      "ENABLE_WOULD_REFUSE",
      () => writeOutcome({ would_refuse: [{ code: "PRINCIPAL_TOO_STRONG" }] }),
    ],
    [
      "while a gap of up is open",
      "GAPS_OPEN",
      () => {
        gaps = gaps.map((found) => (found.id === "GAP-4" ? gap("GAP-4", "open") : found));
      },
    ],
    ["while a gap is not judged", "GAPS_OPEN", () => void (gaps = gaps.slice(1))],
    [
      "while another run is armed",
      "ENABLE_ALREADY reason=another_run",
      () => {
        mkdirSync(folder.at("run/cutter/armed/R-2"));
        folder.write("run/cutter/armed/R-2/token.json", JSON.stringify(toToken(now, { run_id: "R-2" })), 0o640);
      },
    ],
    ["while another run is live", "ENABLE_ALREADY reason=another_run", () => mkdirSync(folder.at("run/cutter/live/R-2"))],
    ["without what its last start lacked", "DISK_FULL reason=too_little_left", () => leaveStop(folder)],
    ["while this run is live", "ENABLE_ALREADY", () => mkdirSync(folder.at("run/cutter/live/R-1"))],
    ["with nothing staged", "ENABLE_STAGED_UNFIT", () => rmSync(folder.at("run/cutter/incoming/R-1"), { recursive: true })],
    ["with a file more staged", "ENABLE_STAGED_UNFIT", () => stage("more", Buffer.from("x"))],
    ["with a staged file others may read", "HOST_FILE_UNSAFE", () => chmodSync(folder.at("run/cutter/incoming/R-1/ruling.md"), 0o644)],
    [
      "with a decision without its signature",
      "ENABLE_STAGED_UNFIT",
      () => {
        stageDecision();
        rmSync(folder.at("run/cutter/incoming/R-1/sg-3.md.asc"));
      },
    ],
    [
      "with a decision of the ruling's own UUID",
      "APPROVAL_UUID_REUSED reason=collapsed",
      () => stageDecision({ review_decision_id: "0f9b2c1e-6a57-4d0c-9d5e-3b0f6f1a2c4d" }),
    ],
    ["with a decision for another run", "APPROVAL_FOR_ANOTHER field=run_id", () => stageDecision({ run_id: "R-2" })],
    [
      "with an SG_1 in the decision's place",
      "APPROVAL_FOR_ANOTHER field=gate",
      () => stageDecision({ gate: "SG_1", decision: "approve", phase: "cut_leg_a" }),
    ],
    [
      "with the architect's signature missing",
      "APPROVAL_SIGNATURES_WRONG reason=missing",
      () => rmSync(folder.at("run/cutter/incoming/R-1/ruling.md.architect.asc")),
    ],
    ["with a ruling for another run", "APPROVAL_FOR_ANOTHER field=run_id", () => stageRuling({ run_id: "R-2" })],
    [
      "with a ruling for another document",
      "APPROVAL_FOR_ANOTHER field=document_id",
      () => stageRuling({ document_id: "knowledge/other/b.md" }),
    ],
    ["with a ruling for other bytes", "APPROVAL_OUTDATED field=document_sha256", () => stageRuling({ document_sha256: other })],
    ["with a ruling for another plan", "APPROVAL_OUTDATED field=payload_sha", () => stageRuling({ payload_sha: other })],
    ["with a ruling for another host", "APPROVAL_FOR_ANOTHER field=host", () => stageRuling({ host: other })],
    ["with a ruling for another release", "APPROVAL_OUTDATED field=release_sha256", () => stageRuling({ release_sha256: other })],
    [
      "with a ruling for another principal",
      "APPROVAL_OUTDATED field=governance_principal",
      () => stageRuling({ governance_principal: "cutter_exec" }),
    ],
    [
      "with a ruling for another runbook",
      "APPROVAL_OUTDATED field=rollback_runbook_sha256",
      () => stageRuling({ rollback_runbook_sha256: other }),
    ],
    ["with a ruling for other grants", "APPROVAL_OUTDATED field=grant_matrix_sha256", () => stageRuling({ grant_matrix_sha256: other })],
    [
      "with an expired ruling",
      "APPROVAL_TOO_OLD reason=expired",
      () => {
        now = new Date(now.getTime() + 7_300_000);
      },
    ],
    ["when a key on the host was changed", "KEY_FILE_CHANGED", () => folder.write("etc/cutter/keys/sovereign.asc", "x", 0o644)],
    ["when no backup key is pinned", "APPROVAL_KEY_NOT_PINNED", () => pinKeys({ sovereign, architect })],
  ])("%s: %s", async (_what, code, spoil) => {
    spoil();
    expect(await codeOf(code)).toBe(code);
    expect(lines("spent")).toEqual([]);
    expect(armed().filter((name) => name !== "R-2")).toEqual([]);
    expect(lines("audit")).toMatchObject([
      { action: "enable_refused", run_id: runId, code: toRefusal(code).code, ...toRefusal(code).facts },
    ]);
  });

  it("but not a principal too strong that the ruling accepts by name", async () => {
    writeOutcome({ would_refuse: [{ code: "PRINCIPAL_TOO_STRONG" }] });
    stageRuling({ accepts: ["PRINCIPAL_TOO_STRONG"] });
    expect(await codeOf()).toBe("armed");
  });

  it("on a torn ledger, and again until a person mended it", async () => {
    folder.write("var/lib/cutter-ledger/spent.jsonl", '{"seq":0', 0o600);
    expect([await codeOf(), await codeOf(), armed()]).toEqual(["LEDGER_TORN", "LEDGER_TORN", []]);
  });
});
