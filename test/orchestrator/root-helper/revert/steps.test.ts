// Root's part in a revert, in a folder that stands for the host: what is judged and spent, what is handed over, what is left, and what each
// refusal is called.
import { createHash, randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { CutterError } from "../../../../orchestrator/core/errors.ts";
import { runResultSchema } from "../../../../orchestrator/core/run/result.ts";
import { stagedRevertSchema } from "../../../../orchestrator/core/revert/staging.ts";
import { armRevert } from "../../../../orchestrator/root-helper/revert/arm-revert.ts";
import { finishRevert, prepareRevert } from "../../../../orchestrator/root-helper/revert/steps.ts";
import { exportKey, sign, toDocument, toGpgTime, toTime } from "../../../support/approval-material.ts";
import { createGpgHome, type GpgHome } from "../../../support/gpg.ts";
import { configText, envText, makeHostFolder, plantedSecrets, type HostFolder } from "../../../support/host-folder.ts";
import { toNamed } from "../../../support/refusal-case.ts";

const sha = (content: string | Buffer): string => createHash("sha256").update(content).digest("hex");
const machineId = "0123456789abcdef0123456789abcdef";
const manifest = '{"schema":"cutter.manifest/1"}\n';
const runbook = "select 1;\n";
const runId = "R-1";
const now = new Date();

let home: GpgHome;
let sovereign: string;
let stranger: string;
let folder: HostFolder;

beforeAll(() => {
  home = createGpgHome();
  sovereign = home.createKey("the sovereign", { at: "20260101T000000" });
  stranger = home.createKey("a stranger", { at: "20260101T000000" });
}, 60_000);
afterAll(() => home.remove());

beforeEach(() => {
  folder = makeHostFolder();
  for (const path of [
    "run/cutter/revert",
    "run/cutter/revert-results",
    "run/cutter/incoming",
    "opt/cutter/current",
    "etc/cutter/keys",
    "var/lib/cutter-ledger",
    `var/lib/cutter/runs/${runId}`,
  ])
    mkdirSync(folder.at(path), { recursive: true, mode: 0o700 });
  const key = exportKey(home, sovereign);
  folder.write("etc/machine-id", `${machineId}\n`, 0o444);
  folder.write("opt/cutter/current/manifest.json", manifest, 0o644);
  folder.write("etc/cutter/keys/sovereign.asc", key.toString(), 0o644);
  folder.write("etc/cutter/rollback_runbook.sql", runbook, 0o644);
  const claim = (path: string, content: string | Buffer) =>
    JSON.stringify({ path, state: "claimed", urn: `urn:${path}`, contentSha256: sha(content) });
  folder.write(
    "etc/cutter/ownership.jsonl",
    `${claim("/etc/cutter/keys/sovereign.asc", key)}\n${claim("/etc/cutter/rollback_runbook.sql", runbook)}\n`,
    0o600,
  );
  folder.write("etc/cutter/orchestrator.yaml", configText("revert_principal: cutter_revert"), 0o640);
  folder.write(
    "opt/incomex/docker/.env",
    `${envText}DOT_CUTTER_REVERT_DB_USER=cutter_revert\nDOT_CUTTER_REVERT_DB_PASSWORD='revert-s3cret'\n`,
    0o600,
  );
});
afterEach(() => folder.remove());

/** What runbooks/emergency-revert puts there: a document and its signature, root's alone. */
function bring(change: Readonly<Record<string, unknown>> = {}, by = sovereign): string {
  const approval = toDocument({
    schema: "cutter.approval/1",
    gate: "REVERT",
    decision: "approve",
    run_id: runId,
    document_id: "knowledge/other/a.md",
    phase: "cut_leg_a",
    payload_sha: sha("a plan"),
    review_decision_id: randomUUID(),
    issued_at: toTime(now),
    host: sha(`cutter:${machineId}`),
    release_sha256: sha(manifest),
    ...change,
  });
  bringAgain(approval.toString(), sign(home, approval, { key: by, at: toGpgTime(now) }).toString());
  return approval.toString();
}

function bringAgain(approval: string, signature: string): void {
  mkdirSync(folder.at(`run/cutter/incoming/${runId}`), { recursive: true, mode: 0o700 });
  folder.write(`run/cutter/incoming/${runId}/revert.md`, approval, 0o600);
  folder.write(`run/cutter/incoming/${runId}/revert.md.asc`, signature, 0o600);
}

const arm = (id = runId) => armRevert(folder.host, id, now);
const codeOf = async (work: () => unknown, name = ""): Promise<string> => {
  try {
    await work();
  } catch (error) {
    if (error instanceof CutterError)
      return [...plantedSecrets, "revert-s3cret"].some((secret) => error.message.includes(secret))
        ? "a secret leaked"
        : String(toNamed(error, name));
    throw error;
  }
  return "nothing was refused";
};
const readStaged = () => stagedRevertSchema.parse(JSON.parse(readFileSync(folder.at(`run/cutter/revert/${runId}/staged.json`), "utf8")));
const readResult = () => runResultSchema.parse(JSON.parse(readFileSync(folder.at(`run/cutter/revert-results/${runId}.json`), "utf8")));
const spentLines = () =>
  existsSync(folder.at("var/lib/cutter-ledger/spent.jsonl"))
    ? readFileSync(folder.at("var/lib/cutter-ledger/spent.jsonl"), "utf8").trim().split("\n").length
    : 0;
const auditActions = () =>
  readFileSync(folder.at("var/lib/cutter-ledger/audit.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => (JSON.parse(line) as { action: string }).action);

describe("arm-revert", () => {
  test("judges, spends once, stages what it judged, and takes the incoming copy away", async () => {
    const approval = bring();
    await arm();
    expect(readdirSync(folder.at(`run/cutter/revert/${runId}`)).sort()).toEqual(["revert.md", "revert.md.asc", "staged.json"]);
    expect(readStaged()).toMatchObject({
      run_id: runId,
      approval_sha256: sha(approval),
      host: sha(`cutter:${machineId}`),
      release_sha256: sha(manifest),
      runbook_sha256: sha(runbook),
      spent_before: false,
    });
    expect(statSync(folder.at(`run/cutter/revert/${runId}/staged.json`)).mode & 0o777).toBe(0o640);
    expect(spentLines()).toBe(1);
    expect(auditActions()).toEqual(["revert_staged"]);
    expect(existsSync(folder.at(`run/cutter/incoming/${runId}`))).toBe(false);
  });

  test("works while execution is disabled", async () => {
    folder.write("etc/cutter/execution/DISABLED", "", 0o644);
    bring();
    expect(await codeOf(() => arm())).toBe("nothing was refused");
  });

  test("leaves what is staged by the same approval as it is: a revert that did not end well may be started again", async () => {
    const approval = bring();
    const first = await arm();
    bringAgain(approval, readFileSync(folder.at(`run/cutter/revert/${runId}/revert.md.asc`), "utf8"));
    expect(await arm()).toEqual(first);
    expect(spentLines()).toBe(1);
  });

  test("marks an approval that was spent before: it can only confirm a revert that is done", async () => {
    const approval = bring();
    await arm();
    const signature = readFileSync(folder.at(`run/cutter/revert/${runId}/revert.md.asc`), "utf8");
    rmSync(folder.at(`run/cutter/revert/${runId}`), { recursive: true }); // the revert ended, or the host rebooted
    bringAgain(approval, signature);
    expect(await arm()).toMatchObject({ spent_before: true });
    expect(spentLines()).toBe(1);
  });

  test("goes on where the audit log cannot be written: the way back is not barred by it, and the use stands in the ledger", async () => {
    folder.write("var/lib/cutter-ledger/audit.jsonl", "not a line of ours\n", 0o600);
    bring();
    await arm();
    expect(readStaged().spent_before).toBe(false);
    expect(spentLines()).toBe(1);
  });

  test("stages the same approval again, unspent, where the staging was damaged or the pinned runbook became another", async () => {
    const approval = bring();
    await arm();
    const signature = readFileSync(folder.at(`run/cutter/revert/${runId}/revert.md.asc`), "utf8");
    folder.write(`run/cutter/revert/${runId}/revert.md`, "somebody else's", 0o640);
    bringAgain(approval, signature);
    await arm();
    expect(readFileSync(folder.at(`run/cutter/revert/${runId}/revert.md`), "utf8")).toBe(approval);
    const better = "select 2;\n";
    folder.write("etc/cutter/rollback_runbook.sql", better, 0o644);
    const claim = JSON.stringify({
      path: "/etc/cutter/rollback_runbook.sql",
      state: "claimed",
      urn: "urn:/etc/cutter/rollback_runbook.sql",
      contentSha256: sha(better),
    });
    writeFileSync(folder.at("etc/cutter/ownership.jsonl"), `${claim}\n`, { flag: "a" });
    bringAgain(approval, signature);
    await arm();
    expect([readStaged().runbook_sha256, readStaged().spent_before, spentLines()]).toEqual([sha(better), false, 1]);
  });

  test("stages nothing where the ledger itself is damaged: whether the approval was used cannot be told", async () => {
    folder.write("var/lib/cutter-ledger/spent.jsonl", "not a line of ours\n", 0o600);
    bring();
    expect(await codeOf(() => arm())).toBe("LEDGER_DAMAGED");
    expect(existsSync(folder.at(`run/cutter/revert/${runId}`))).toBe(false);
  });

  test.each<[what: string, code: string, act: () => Promise<unknown>]>([
    ["no approval", "HOST_FILE_MISSING", () => arm()],
    ["an approval of another gate", "APPROVAL_FOR_ANOTHER field=gate", () => (bring({ gate: "SG_1" }), arm())],
    ["an approval for another run", "APPROVAL_FOR_ANOTHER field=run_id", () => (bring({ run_id: "R-2" }), arm())],
    ["an approval for another host", "APPROVAL_FOR_ANOTHER field=host", () => (bring({ host: sha("another") }), arm())],
    ["an approval for another release", "APPROVAL_OUTDATED field=release_sha256", () => (bring({ release_sha256: sha("another") }), arm())],
    [
      "an approval that is too old",
      "APPROVAL_TOO_OLD",
      () => (bring({ issued_at: toTime(new Date(now.getTime() - 12 * 3_600_000 - 2_000)) }), arm()),
    ],
    ["a signature by another key", "APPROVAL_SIGNER_NOT_PINNED", () => (bring({}, stranger), arm())],
    [
      "a run this host does not know",
      "REVERT_RUN_UNKNOWN",
      () => (rmSync(folder.at(`var/lib/cutter/runs/${runId}`), { recursive: true }), bring(), arm()),
    ],
    ["a dry run", "REVERT_NOTHING_CREATED reason=dry_run", () => arm("R-1.dryrun")],
    ["what is no run id", "RUN_ID_INVALID", () => arm("../R-1")],
    [
      "no pinned principal",
      "REVERT_PRINCIPAL_NOT_PINNED",
      () => (folder.write("etc/cutter/orchestrator.yaml", configText(), 0o640), bring(), arm()),
    ],
    ["a run that is armed", "REVERT_RUN_ACTIVE", () => (mkdirSync(folder.at(`run/cutter/armed/${runId}`)), bring(), arm())],
    ["a run that is live", "REVERT_RUN_ACTIVE", () => (mkdirSync(folder.at(`run/cutter/live/${runId}`)), bring(), arm())],
    [
      "a runbook that is not the pinned one",
      "REVERT_RUNBOOK_CHANGED",
      () => (folder.write("etc/cutter/rollback_runbook.sql", "select 2;\n", 0o644), bring(), arm()),
    ],
    [
      "a key that is not the pinned one",
      "KEY_FILE_CHANGED",
      () => (folder.write("etc/cutter/keys/sovereign.asc", exportKey(home, stranger).toString(), 0o644), bring({}, stranger), arm()),
    ],
  ])("refuses %s with %s, and spends and stages nothing", async (_what, code, act) => {
    expect(await codeOf(act, code)).toBe(code);
    expect(spentLines()).toBe(0);
    expect(existsSync(folder.at(`run/cutter/revert/${runId}`))).toBe(false);
    expect(existsSync(folder.at(`run/cutter/incoming/${runId}`))).toBe(false);
  });
});

describe("prepare-revert", () => {
  test("hands over the revert's own login and the reader's, and no login that could cut", async () => {
    bring();
    await arm();
    prepareRevert(folder.host, runId);
    expect(readdirSync(folder.at(`run/cutter/cred/_revert.${runId}`)).sort()).toEqual([
      "AGENT_DATA_API_KEY",
      "BACKUP_GPG_FPR",
      "DOT_CUTTER_DB_HOST",
      "DOT_CUTTER_DB_NAME",
      "DOT_CUTTER_DB_PORT",
      "DOT_CUTTER_DB_SSLMODE",
      "DOT_CUTTER_READONLY_DB_PASSWORD",
      "DOT_CUTTER_READONLY_DB_USER",
      "DOT_CUTTER_REVERT_DB_PASSWORD",
      "DOT_CUTTER_REVERT_DB_USER",
    ]);
  });

  test.each<[what: string, code: string, act: () => void]>([
    ["nothing staged", "REVERT_NOT_STAGED", () => rmSync(folder.at(`run/cutter/revert/${runId}`), { recursive: true })],
    ["no pinned principal", "REVERT_PRINCIPAL_NOT_PINNED", () => folder.write("etc/cutter/orchestrator.yaml", configText(), 0o640)],
    ["a run that was armed meanwhile", "REVERT_RUN_ACTIVE", () => mkdirSync(folder.at(`run/cutter/armed/${runId}`))],
    ["no password for the login", "ENV_NAME_MISSING", () => folder.write("opt/incomex/docker/.env", envText, 0o600)],
  ])("refuses %s with %s, leaves no secret, and the result says so", async (_what, code, damage) => {
    bring();
    await arm();
    damage();
    expect(await codeOf(() => prepareRevert(folder.host, runId))).toBe(code);
    expect(existsSync(folder.at(`run/cutter/cred/_revert.${runId}`))).toBe(false);
    expect(readResult()).toMatchObject({ code, exit_kind: "not-started" });
  });
});

describe("finish-revert", () => {
  const tell = (end: object) => {
    mkdirSync(folder.at(`run/cutter-revert/${runId}`), { recursive: true });
    folder.write(
      `run/cutter-revert/${runId}/end.json`,
      JSON.stringify({ exit_code: 0, code: null, result: "reverted", phase: null, certificate: null, payload_sha: null, ...end }),
      0o600,
    );
  };
  const finish = (exitRaw: string, exitKind = "exited") =>
    finishRevert(folder.host, runId, { exitKind, exitRaw, serviceResult: "success" }, now);

  test("after a revert that is done: no secret, no staging, a result of its own beside the run's, an audit line", async () => {
    bring();
    await arm();
    prepareRevert(folder.host, runId);
    tell({});
    finish("0");
    expect(readdirSync(folder.at("run/cutter/cred"))).toEqual([]);
    expect(readdirSync(folder.at("run/cutter/revert"))).toEqual([]);
    expect(readResult()).toMatchObject({ exit_code: 0, result: "reverted" });
    expect(readdirSync(folder.at("run/cutter/results"))).toEqual([]);
    expect(auditActions()).toEqual(["revert_staged", "revert"]);
  });

  test.each([
    ["20", "exited", 20],
    ["10", "exited", 10],
    ["KILL", "killed", 20],
  ])("after an end with %s (%s) the staging stays for the next start, and the result is %d", async (raw, kind, exit) => {
    bring();
    await arm();
    tell({ exit_code: exit, result: "stopped" });
    finish(raw, kind);
    expect(readResult().exit_code).toBe(exit);
    expect(readStaged().spent_before).toBe(false);
  });
});
