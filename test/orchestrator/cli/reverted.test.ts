// What status, explain and report say of a run that was taken back, and of a revert that came no further than its backup.
import { cp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { CutterError } from "../../../orchestrator/core/errors.ts";
import { toLine, toLineHash } from "../../../orchestrator/core/journal/chain.ts";
import { liveRunId, makeEvidencedWorld, type EvidencedWorld } from "../../support/live-run-files.ts";
import { revertDecisionId, revertLiveRun } from "../../support/reverted-run.ts";
import { makeCli, type Cli } from "../../support/worlds/cli.ts";
import { documentId, makeWorld, runId } from "../../support/worlds/world.ts";

const json = async (cli: Cli, ...words: readonly string[]): Promise<Record<string, unknown>> =>
  JSON.parse((await cli.run(...words, "--run-id", liveRunId, "--json")).stdout) as Record<string, unknown>;

describe("a run that was done and reverted", () => {
  let world: EvidencedWorld;
  let cli: Cli;
  let signer: string;
  beforeAll(async () => {
    world = await makeEvidencedWorld();
    expect((await world.start()).result).toBe("done");
    expect(await revertLiveRun(world)).toMatchObject({ result: "reverted", exit_code: 0 });
    cli = await makeCli(world.live.world, { readHostIdentity: () => Promise.resolve("0".repeat(64)) });
    signer = world.live.sovereign.file.pin.fingerprint;
  }, 60_000);
  afterAll(() => world.live.remove());

  it("is REVERTED in status, with when, by whose approval, and that nobody is waited for", async () => {
    const { stdout } = await cli.run("orchestrate", "status");
    expect(stdout).toMatch(
      new RegExp(`^${liveRunId} REVERTED mode=live .*run_was=done reverted_at=2026-.*revert_signed_by=${signer}`, "m"),
    );
    const { runs } = (await json(cli, "orchestrate", "status")) as { runs: Record<string, unknown>[] };
    expect(runs[0]).toMatchObject({
      state: "done",
      waits_on: null,
      on_whom: null,
      revert: {
        state: "reverted",
        units: 4,
        transaction_id: "950",
        approval: { signer, review_decision_id: revertDecisionId },
        code: null,
      },
    });
  });

  it("has nothing left to do in explain, and no effect that was taken back stands", async () => {
    const told = await json(cli, "orchestrate", "explain");
    expect(told).toMatchObject({ next: null, who: "nobody", uncertain: [] });
    const certain = (told["certain"] as readonly string[]).join("\n");
    expect(certain).toContain("and the revert took it back");
    expect(certain).toContain(`by approval of ${signer} (review_decision ${revertDecisionId}): 4 units are retired`);
    expect(certain).not.toMatch(/cut_leg_a stands|lifecycle_enact stands/);
    expect((await cli.run("orchestrate", "explain", "--run-id", liveRunId)).stdout).toContain("next:     nothing");
  });

  it("is reported with a banner first, what stands now, and the rows after the revert", async () => {
    const { stdout } = await cli.run("orchestrate", "report", "--run-id", liveRunId);
    expect(stdout).toMatch(/^=+\nREVERTED at 2026-\S+Z\nThe run was done at \S+ and was taken back afterwards\./);
    for (const part of [
      "What stands now: no unit of this run is in force. 4 units are retired",
      "REVERT  taking the run back",
      `REVERT  ${revertDecisionId}`,
      "Why the document can bear it, as the ruling says: A text nobody depends on.",
      "Rows before the run, after it, and after its revert",
      "cut_leg_a: its effect was written once, and the revert took it back.",
    ])
      expect(stdout).toContain(part);
    expect(stdout).toMatch(/public\.information_unit +1 +5 +5 +4 +equal/);
    expect(stdout).not.toContain("The units are enacted.");
    expect(stdout).not.toContain("emergency-revert --run-id");
  });

  it("is coloured as REVERTED at the top of the HTML page", async () => {
    const file = join(world.live.folder, "report.html");
    expect((await cli.run("orchestrate", "report", "--run-id", liveRunId, "--html", file)).code).toBe(0);
    const page = Buffer.from((await cli.services.files.read(file)) ?? []).toString();
    expect(page).toMatch(/<main>\n<div class="banner bad" role="status">\n<p class="headline">REVERTED at /);
  });

  it("says the same in the report's JSON", async () => {
    const said = await json(cli, "orchestrate", "report");
    expect(said).toMatchObject({ why_harmless: "A text nobody depends on.", restore_proofs: null, revert: { state: "reverted" } });
    expect(said["tables_after_revert"]).toContainEqual({ table: "public.information_unit", rows_of_run: 4, rest_rows: 1, rest: "equal" });
  });

  it.each(["SG_1", "SG_2", "RULING", "REVERT"])("asks nobody to sign %s for it any more", async (gate) => {
    const ran = await cli.run("approval", "draft", "--gate", gate, "--run-id", liveRunId);
    expect(ran).toMatchObject({ code: 10, stdout: "" });
    expect(ran.stderr).toMatch(/^SIGN_NOTHING .* reason=run_closed how=reverted .*→ sign nothing; .*runbooks\/prepare --run-id NEW/);
  });

  it("asks nobody to sign for another run of the document whose dry run is older than the revert", async () => {
    const { sidecar_root: runs } = world.live.world.config;
    await cp(`${runs}/${liveRunId}.dryrun`, `${runs}/run-2.dryrun`, { recursive: true });
    const outcome = `${runs}/run-2.dryrun/outcome.json`;
    const told = Buffer.from((await cli.services.files.read(outcome)) ?? []).toString();
    await writeFile(outcome, told.replace(`${liveRunId}.dryrun`, "run-2.dryrun"));
    const ran = await cli.run("approval", "draft", "--gate", "SG_1", "--run-id", "run-2");
    expect(ran.stderr).toMatch(/^SIGN_NOTHING .* reason=rows_moved_since by_run=run-1 by_run_is=reverted /);
    await rm(`${runs}/run-2.dryrun`, { recursive: true });
  });

  it("hides behind no damaged journal: the run is told as damaged, and the others stay", async () => {
    const journal = join(world.folder, "revert/journal.jsonl");
    const bytes = (await cli.services.files.read(journal)) ?? new Uint8Array();
    await writeFile(journal, Buffer.concat([bytes, Buffer.from("{}\n")]));
    try {
      const { stdout } = await cli.run("orchestrate", "status");
      expect(stdout).toMatch(new RegExp(`^${liveRunId} damaged .*code=JOURNAL_DAMAGED`, "m"));
      expect(stdout).toMatch(new RegExp(`^${liveRunId}\\.dryrun done`, "m"));
    } finally {
      await writeFile(journal, bytes);
    }
  });
});

describe("a run that waits while its way back is pinned", () => {
  it("goes on under the same inputs; another key of the configuration is another run", async () => {
    const world = await makeWorld();
    try {
      const cli = await makeCli(world);
      const configure = (change: object): Promise<void> => writeFile(cli.services.paths.config, stringify({ ...world.config, ...change }));
      const request = { schema: "cutter.request/1", run_id: runId, document_id: documentId, mode: "dryrun", approvals: {} };
      const file = await cli.writeRequest(`${runId}.yaml`, request);
      const start = () => cli.run("orchestrate", "run", "--request", file);
      await configure({ revert_principal: null });
      world.outage.on = "writes";
      expect((await start()).code).toBe(11);
      world.outage.on = "never";
      await configure({ revert_principal: null, phase_soft_cap_minutes: 11 });
      expect((await start()).stderr).toMatch(/^RUN_INPUTS_CHANGED .*changed=config_sha256/m);
      await configure({ revert_principal: "cutter_revert" });
      expect((await start()).code).toBe(0);
    } finally {
      await world.remove();
    }
  });
});

describe("a revert that stopped before its transaction", () => {
  let world: EvidencedWorld;
  let cli: Cli;
  beforeAll(async () => {
    world = await makeEvidencedWorld();
    await world.start();
    await revertLiveRun(world, { ports: { backups: { make: () => Promise.reject(new CutterError("BACKUP_UNPROVEN", {})) } } });
    cli = await makeCli(world.live.world);
  }, 60_000);
  afterAll(() => world.live.remove());

  it("is told beside the run, which still stands, with the revert as the next command", async () => {
    expect((await cli.run("orchestrate", "status", "--run-id", liveRunId)).stdout).toMatch(
      /^run-1 done .*revert=stopped revert_code=BACKUP_UNPROVEN revert_signed_by=/,
    );
    const told = await json(cli, "orchestrate", "explain");
    expect(told["next"]).toEqual({
      command: ["runbooks/emergency-revert", "--run-id", liveRunId, "--approval", `approvals/${liveRunId}/${liveRunId}.REVERT.md`],
    });
    expect(told["certain"]).toContainEqual(expect.stringContaining("cut_leg_a stands in the database"));
    const { stdout } = await cli.run("orchestrate", "report", "--run-id", liveRunId);
    expect(stdout).toMatch(/^=+\nREVERT NOT FINISHED\n/);
    expect(stdout).toContain("Nothing of the run is recorded as taken back.");
  });
});

describe("a revert in cutter audit verify", () => {
  let world: EvidencedWorld;
  let cli: Cli;
  beforeEach(async () => {
    world = await makeEvidencedWorld();
    await world.start();
    cli = await makeCli(world.live.world);
  }, 60_000);
  afterEach(() => world.live.remove());
  const verify = async () => {
    const { bytes, pin } = world.live.sovereign.file;
    const key = join(world.live.folder, "sovereign.asc");
    await writeFile(key, bytes);
    return cli.run("audit", "verify", "--run-id", liveRunId, "--sovereign-key", key, "--sovereign-fingerprint", pin.fingerprint);
  };

  it("that found the units retired is not told as the one that retired them", async () => {
    world.live.cut.retire(liveRunId);
    await revertLiveRun(world);
    const { code, stdout } = await verify();
    expect(stdout).toMatch(/^\[WARN\] the revert found the units retired already \(.*\), by no transaction of its own: nothing among/m);
    expect(stdout).toMatch(
      /^\[WARN\] REVERTED, found so at 2026-\S+Z and not done then, by approval of \w{40}: 4 units of this run are retired$/m,
    );
    expect(code).toBe(0);
  });

  it("that stopped fails with a line that says it was done, and nothing is told to hold", async () => {
    const make = (): never => {
      throw new CutterError("BACKUP_UNPROVEN", {});
    };
    await revertLiveRun(world, { ports: { backups: { make } } });
    expect((await verify()).code).toBe(0);
    const journal = join(world.folder, "revert/journal.jsonl");
    const lines = Buffer.from((await cli.services.files.read(journal)) ?? [])
      .toString()
      .trimEnd()
      .split("\n");
    const { at } = JSON.parse(lines.at(-1) ?? "") as { readonly at: string };
    const facts = { seq: lines.length - 1, at, prev: toLineHash(lines.at(-2) ?? "") };
    const forged = [...lines.slice(0, -1), toLine({ kind: "reverted", units: 4, found: "already_there" }, facts)];
    await writeFile(journal, `${forged.join("\n")}\n`);
    const { code, stdout, stderr } = await verify();
    expect(stdout + stderr).toMatch(/^\[ERR\] AUDIT_EVIDENCE_DIFFERS .* what=journal_illegal file=revert\/journal\.jsonl/m);
    expect(stdout + stderr).not.toMatch(/^\[OK\]/m);
    expect(code).toBe(30);
  });
});
