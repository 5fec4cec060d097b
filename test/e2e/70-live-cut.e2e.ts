// The live cut on the booted host, as the operator and the sovereign make it: one that goes through, one that is killed, cut off and kept
// waiting at every turn and still writes once, and a refusal that leaves nothing. `npm run prove` has more ends.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readSandboxState } from "../../provision/sandbox/state/state.ts";
import { fillAndSign } from "../support/approvals.ts";
import { checkout, npm, onHost, readCensus, run, sql, type Ended } from "../support/e2e.ts";
import { createGpgHome } from "../support/gpg.ts";
import {
  addDocument,
  body,
  clearLiveTraces,
  effects,
  enable,
  idOf,
  journal,
  must,
  nothing,
  prepared,
  result,
  start,
  startUntil,
  switchState,
  units,
  whole,
} from "../support/live-cut.ts";
import { ensureReady } from "../support/ready-host.ts";
import { watch, type Watched } from "../support/watched.ts";

beforeAll(ensureReady);
afterAll(clearLiveTraces);

/** The owner's part, on a machine that has the keys: every printed command but the copying, in a shell, in the draft's folder. */
async function decryptAndSign(runId: string, printed: string): Promise<void> {
  const commands = printed.split("\n").flatMap((line) => (line.startsWith("    ") ? [line.trim()] : []));
  const copied = /^scp .*:(\S+) (\S+)$/.exec(commands[0] ?? "");
  expect(commands).toHaveLength(6);
  const folder = join(checkout, "approvals", runId);
  writeFileSync(join(folder, copied?.[2] ?? ""), Buffer.from((await onHost(`base64 -w0 ${copied?.[1] ?? ""}`)).stdout, "base64"));
  const home = createGpgHome();
  try {
    home.run(["--import", join(checkout, ".sandbox/keys/backup.secret.asc"), join(checkout, ".sandbox/keys/sovereign.secret.asc")]);
    const script = ["set -e", `cd ${folder}`, ...commands.slice(1)]
      .join("\n")
      .replaceAll("SOVEREIGN_KEY", readSandboxState(checkout).keys.sovereign.fingerprint);
    execFileSync("sh", ["-c", script], { env: { PATH: process.env["PATH"], GNUPGHOME: home.directory }, stdio: "pipe" });
  } finally {
    home.remove();
  }
}

const toEnded = async (watched: Watched | null): Promise<readonly unknown[]> => {
  const ended = await watched?.ended;
  return [ended?.code, ended?.output];
};

describe("a cut that goes through", () => {
  it("writes exactly its rows, leaves the switch off and every other table as it was; the same run again is a no-op that says so", async () => {
    await addDocument("plain");
    const { runId, ruling, sg1, sg2 } = await prepared("plain");
    const before = await readCensus();
    must(await enable(runId, ruling, sg1, sg2));
    const ended = must(await start(runId));
    expect(ended.output).toContain(`${String(units)} units created in one transaction by cutter_exec`);
    expect([await effects(runId), await switchState()]).toEqual([whole, "off"]);
    expect(await result(runId)).toMatchObject({ exit_code: 0, result: "done", code: null });
    const after = await readCensus();
    const written = [
      "public.information_unit",
      "public.unit_version",
      "public.iu_lifecycle_log",
      ...["review_decision", "cut_change_set", "manifest_envelope", "dot_pair_signature", "verify_result"].map(
        (table) => `cutter_governance.${table}`,
      ),
    ];
    expect(
      Object.keys(after)
        .filter((table) => after[table] !== before[table])
        .toSorted(),
    ).toEqual(written.toSorted());
    expect(
      await sql(
        "select string_agg(v.body, '' order by u.ordinal) = " +
          `convert_from('\\x${Buffer.from(body("plain")).toString("hex")}'::bytea, 'UTF8') from public.information_unit u join ` +
          `public.unit_version v on v.id = u.current_version_id where u.created_by_run = '${runId}'`,
      ),
    ).toBe("t");
    expect(await sql(`select distinct lifecycle_state from public.information_unit where created_by_run = '${runId}'`)).toBe("enacted");
    expect((await onHost(`cutter audit verify --run-id ${runId}`)).code).toBe(0);

    must(await enable(runId, ruling));
    expect(must(await start(runId)).output).toContain("it was done before; nothing was repeated");
    expect(await readCensus()).toEqual(after);
  });

  it("leaves a report that names the signers, and a survey in which its ruling authorises nothing more", async () => {
    const report = await onHost(`cutter orchestrate report --run-id ${idOf("plain")}`);
    expect(report.stdout).toMatch(/sovereign/);
    const { gaps } = JSON.parse((await npm("survey", "--stack", "sandbox", "--json")).output) as {
      readonly gaps: readonly { readonly id: string; readonly state: string; readonly evidence: readonly string[] }[];
    };
    expect(gaps.slice(0, 6).map(({ state }) => state)).toEqual(Array(6).fill("closed"));
    // Another file's ruling of a run that is open may stand: the host is shared.
    expect(gaps[6]?.evidence.filter((text) => text.includes(idOf("plain")) && !text.includes("authorises nothing more"))).toEqual([]);
  });

  it(
    "leaves a backup that the owner decrypts elsewhere, by the printed commands; the signed proof turns the survey's red " +
      "line into a date",
    async () => {
      const runId = idOf("plain");
      const findings = async (): Promise<readonly string[]> => {
        const { findings: found } = JSON.parse((await npm("survey", "--stack", "sandbox", "--json")).output) as {
          readonly findings: readonly { readonly code: string; readonly severity: string }[];
        };
        return found.filter(({ code }) => code.startsWith("RESTORE_")).map(({ code, severity }) => `${severity} ${code}`);
      };
      expect(await findings()).toEqual(["red RESTORE_PROOF_MISSING"]);
      const drafted = must(await run(["runbooks/restore-proof", "--stack", "sandbox", "--run-id", runId]));
      await decryptAndSign(runId, drafted.output);
      const brought = must(
        await run(["runbooks/restore-proof", "--stack", "sandbox", "--run-id", runId, "--proof", `approvals/${runId}/restore-proof.md`]),
      );
      expect(brought.output).toContain("compared both digests with the run's own record");
      expect(await findings()).toEqual(["note RESTORE_PROVEN"]);
      await onHost("rm -r /var/lib/cutter-ledger/restore-proofs");
    },
  );
});

describe("a cut that is disturbed at every turn", () => {
  it("is killed, interrupted, switched off and kept waiting for SG_2, goes on each time where it stood, and writes once", async () => {
    await addDocument("stormy");
    const { runId, ruling, sg1, sg2 } = await prepared("stormy");
    must(await enable(runId, ruling, sg1));
    const startRun = ["runbooks/start-run", "--stack", "sandbox", "--run-id", runId];
    let watched: Watched | null = null;
    await startUntil(
      runId,
      "06",
      "cut_leg_a",
      async () => {
        const joined = watch(startRun);
        await joined.said("it is going on since");
        joined.interrupt();
        expect(await joined.ended).toMatchObject({ code: 130, output: expect.stringContaining(`${runId} goes on on host`) });
        await onHost(`systemctl kill --signal=SIGKILL cutter-run@${runId}`);
      },
      () => void (watched = watch(startRun)),
    );
    expect(await toEnded(watched)).toEqual([20, expect.stringMatching(/RUN_KILLED[^]*next: +runbooks\/enable --run-id/)]);
    expect(await result(runId)).toMatchObject({ exit_code: 20, code: "RUN_KILLED" });
    expect([(await effects(runId)).split(",")[0], await switchState()]).toEqual([`${String(units)} units`, "off"]);

    expect((await npm("pulumi", "up", "--stack", "sandbox", "--yes", "--skip-preview")).output).toContain("UNFINISHED_LIVE_RUN");

    must(await enable(runId, ruling));
    await startUntil(runId, "08", "leg_b_record", () => onHost(`systemctl stop cutter-run@${runId}`));
    expect(await result(runId)).toMatchObject({ exit_code: 20, code: "RUN_INTERRUPTED" });

    must(await enable(runId, ruling));
    const disable = ["runbooks/disable", "--now", "--stack", "sandbox"];
    await startUntil(
      runId,
      "09",
      "write_verify",
      () => run(disable),
      () => void (watched = watch(startRun)),
    );
    expect(await toEnded(watched)).toEqual([20, expect.stringContaining("next:     runbooks/disable --clear --stack sandbox\n")]);
    expect([await result(runId), await switchState()]).toEqual([
      expect.objectContaining({ exit_code: 20 }),
      expect.stringMatching(/^disabled by latch/),
    ]);
    expect((await enable(runId, ruling)).output).toContain("ENABLE_LATCHED");
    must(await run(["runbooks/disable", "--clear", "--stack", "sandbox"]));

    must(await enable(runId, ruling));
    const waiting = await start(runId);
    expect([waiting.code, waiting.output]).toEqual([20, expect.stringContaining("waits_on=SG_2")]);
    expect((await onHost(`cutter orchestrate explain --run-id ${runId}`)).stdout).toMatch(/SG_2/);

    must(await enable(runId, ruling, sg2));
    must(await start(runId));
    expect([await effects(runId), await switchState()]).toEqual([whole, "off"]);
    const done = (await journal(runId)).filter(({ kind }) => kind === "effect_done").map(({ step }) => step);
    expect(done).toEqual(["pre_write_backup", "SG_1", "cut_leg_a", "leg_b_record", "write_verify", "SG_2", "lifecycle_enact"]);
    expect((await onHost(`cutter audit verify --run-id ${runId}`)).code).toBe(0);
  });
});

describe("nothing is written", () => {
  it("when the document changed between the dry run and the cut", async () => {
    await addDocument("moved");
    const { runId, ruling, sg1, sg2 } = await prepared("moved");
    must(await enable(runId, ruling, sg1, sg2));
    await addDocument("moved", `${body("moved")} and more`);
    const ended = await start(runId);
    expect([ended.code, ended.output]).toEqual([10, expect.stringMatching(/APPROVAL_OUTDATED .*field=document_sha256 |PAYLOAD_CHANGED/)]);
    expect([await effects(runId), await switchState()]).toEqual([nothing, "off"]);
  });
});

describe("the way back", () => {
  it("retires the units of a run that went through; a second time finds nothing left to do", async () => {
    const runId = idOf("plain");
    const draft = await onHost(`cutter approval draft --gate REVERT --run-id ${runId}`);
    writeFileSync(join(checkout, "approvals", runId, `${runId}.REVERT.md`), draft.stdout);
    const approval = await fillAndSign(runId, "REVERT");
    const revert = (): Promise<Ended> =>
      run(["runbooks/emergency-revert", "--stack", "sandbox", "--run-id", runId, "--approval", approval]);
    const ended = must(await revert());
    expect(ended.output).toContain(`${String(units)} units retired in one transaction`);
    expect(await sql(`select distinct lifecycle_state from public.information_unit where created_by_run = '${runId}'`)).toBe("retired");
    const before = await readCensus();
    expect(must(await revert()).output).toMatch(/already/);
    expect(await readCensus()).toEqual(before);
  });
});
