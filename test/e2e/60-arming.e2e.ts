// Arming on the booted host: who can enable, for how long, and everything that takes it back. No run here gets as far as a write: SG_1 is
// never uploaded.
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { kbFaultsFile } from "../../provision/sandbox/host/host-files.ts";
import { fillAndSign } from "../support/approvals.ts";
import { checkout, npm, onHost, run, until, type Ended } from "../support/e2e.ts";
import { ensureReady } from "../support/ready-host.ts";

const stamp = new Date()
  .toISOString()
  .replace(/[-:]|\.\d+/g, "")
  .toLowerCase();
const documentId = `knowledge/other/arming-${stamp}.md`;
const runId = `arming-${stamp}`;
const single = `single-${stamp}`;
let ruling: string;

beforeAll(async () => {
  await ensureReady();
  const file = join(checkout, ".sandbox", `arming-${stamp}.md`);
  writeFileSync(file, `# Arming ${stamp}\n\nText.\n\n## Part\n\nMore.\n`);
  expect((await npm("sandbox", "document", "add", file, "--id", documentId)).code).toBe(0);
  rmSync(file);
  for (const id of [runId, single]) {
    const prepared = await run(["runbooks/prepare", "--stack", "sandbox", "--run-id", id, "--document", documentId]);
    expect([prepared.code, prepared.output]).toEqual([0, expect.stringContaining(`runbooks/enable --run-id ${id}`)]);
  }
  ruling = await fillAndSign(runId, "RULING", { starts: 5 });
});
beforeEach(disarm);
afterAll(async () => {
  await onHost(`rm -rf ${kbFaultsFile} /var/lib/cutter/runs/planted-${stamp} /etc/cutter/execution/DISABLED`);
  await disarm();
  for (const id of [runId, single]) rmSync(join(checkout, "approvals", id), { recursive: true, force: true });
});

const enable = (...more: readonly string[]): Promise<Ended> =>
  run(["runbooks/enable", "--stack", "sandbox", "--run-id", runId, "--ruling", ruling, ...more]);
/** A ruling has five starts at most: a fresh one where they would not do. */
async function enableFreshly(): Promise<void> {
  ruling = await fillAndSign(runId, "RULING", { starts: 5 });
  await onHost(`rm -rf /run/cutter/armed/*`);
  const enabled = await enable();
  if (enabled.code !== 0) throw new Error(enabled.output);
}
const status = async (): Promise<object> => JSON.parse((await onHost("cutter kill-switch status --json")).stdout) as object;
const off = { schema: "cutter.kill-switch/1", state: "off", run_id: null, until: null, since: null, why: null };
const tokens = async (): Promise<string> => (await onHost("ls -A /run/cutter/armed /run/cutter/live")).stdout;
const noTokens = "/run/cutter/armed:\n\n/run/cutter/live:\n";
const result = async (): Promise<object> => JSON.parse((await onHost(`cat /run/cutter/results/${runId}.json`)).stdout) as object;
const pulumi = (...words: readonly string[]): Promise<Ended> => npm("pulumi", ...words, "--stack", "sandbox");

async function disarm(): Promise<void> {
  await onHost("rm -rf /run/cutter/armed/* /run/cutter/live/*; systemctl reset-failed");
}

describe("enable", () => {
  it("verifies here and there, uploads with receipts, spends a start, and says until when and how to start", async () => {
    const before = Number((await onHost("cat /var/lib/cutter-ledger/spent.jsonl 2>/dev/null | wc -l")).stdout);
    const knownHosts = join(checkout, "Pulumi.sandbox.known_hosts");
    rmSync(knownHosts);
    const enabled = await enable("--approval", await fillAndSign(runId, "SG_2"));
    expect(existsSync(knownHosts)).toBe(true); // or runbooks/disable would not find what was armed
    expect([enabled.code, enabled.output]).toEqual([
      0,
      expect.stringMatching(new RegExp(`start 1 of 5; until .*minutes.*\\n    runbooks/start-run --run-id ${runId}`)),
    ]);
    expect(enabled.output).toMatch(new RegExp(`cutter-runs/${runId}/approvals/ruling-[0-9a-f]{8}-architect-asc.md revision 1`));
    expect(await status()).toEqual({
      schema: "cutter.kill-switch/1",
      state: "armed",
      run_id: runId,
      until: expect.stringMatching(/^\d{4}-.*Z$/),
      since: null,
      why: null,
    });
    expect((await onHost("cutter kill-switch status")).stdout).toMatch(new RegExp(`^armed ${runId} until `));
    expect(Number((await onHost("wc -l < /var/lib/cutter-ledger/spent.jsonl")).stdout)).toBe(before + 1);
    expect((await onHost("tail -n 1 /var/lib/cutter-ledger/audit.jsonl")).stdout).toContain('"action":"enable"');
    expect(
      (
        await onHost(
          `stat -c '%a %U:%G' /run/cutter/armed/${runId} /run/cutter/armed/${runId}/token.json /var/lib/cutter-ledger/spent.jsonl; ` +
            "ls -A /run/cutter/incoming",
        )
      ).stdout,
    ).toBe("750 root:cutter\n640 root:cutter\n600 root:root\n");
    expect(await enable()).toEqual({ code: 10, output: expect.stringContaining("ENABLE_ALREADY") });
    expect(Number((await onHost("wc -l < /var/lib/cutter-ledger/spent.jsonl")).stdout)).toBe(before + 1);
  });

  it("refuses while the latch is set, and only disable --clear lifts it", async () => {
    expect((await run(["runbooks/disable", "--stack", "sandbox"])).code).toBe(0);
    expect(await status()).toEqual({ ...off, state: "disabled", why: "the latch is set" });
    const latched = /ENABLE_LATCHED[^]*next: +runbooks\/disable --clear --stack sandbox\n/;
    expect(await enable()).toEqual({ code: 10, output: expect.stringMatching(latched) });
    expect((await run(["runbooks/disable", "--clear", "--stack", "sandbox"])).code).toBe(0);
    expect(await status()).toEqual(off);
    expect(await tokens()).toBe(noTokens);
  });

  it("refuses while a gap of up is open, and names it", async () => {
    await onHost("chmod 0711 /var/lib/cutter/batches");
    const refused = await enable();
    await onHost("chmod 0700 /var/lib/cutter/batches");
    expect(refused).toEqual({ code: 10, output: expect.stringMatching(/GAPS_OPEN .*GAP-5/) });
    expect(await tokens()).toBe(noTokens);
  });

  it("refuses a ruling with one byte changed here, before anything goes to the host", async () => {
    const text = readFileSync(ruling, "utf8");
    writeFileSync(ruling, text.replace("nothing depends", "Nothing depends"));
    const refused = await enable();
    writeFileSync(ruling, text);
    expect(refused).toEqual({ code: 10, output: expect.stringContaining("APPROVAL_SIGNATURE_BAD") });
  });

  it("refuses a ruling without a start left", async () => {
    const once = await fillAndSign(single, "RULING", { starts: 1 });
    const enableOnce = () => run(["runbooks/enable", "--stack", "sandbox", "--run-id", single, "--ruling", once]);
    expect((await enableOnce()).code).toBe(0);
    await disarm();
    const spent =
      /RULING_SPENT[^]*next: +sign RULING, drafted by: runbooks\/draft .* --gate RULING --stack sandbox\nthen: +runbooks\/enable /;
    expect(await enableOnce()).toEqual({ code: 10, output: expect.stringMatching(spent) });
    expect(await tokens()).toBe(noTokens);
  });

  it("refuses an approval in whose place another one stands that is not outdated", async () => {
    const refused = await enable("--approval", await fillAndSign(runId, "SG_2"));
    expect(refused).toEqual({ code: 10, output: expect.stringContaining("APPROVAL_TAKEN") });
  });
});

describe("execution is off again", () => {
  it("after the end of a run, whatever the end was: the token let it begin, and is gone", async () => {
    expect((await enable()).code).toBe(0);
    const startRun = ["runbooks/start-run", "--stack", "sandbox", "--run-id", runId];
    await onHost("mv -T /var/lib/cutter/runs /var/lib/cutter/runs.away"); // nothing can start without it, and no token goes by that
    const nowhere = await run(startRun).finally(() => onHost("mv -T /var/lib/cutter/runs.away /var/lib/cutter/runs"));
    expect([nowhere.code, nowhere.output]).toEqual([10, expect.stringMatching(/RUN_UNIT_NOT_SET_UP .*step=NAMESPACE/)]);
    const ended = await run(startRun);
    expect(ended.code).toBe(10); // SG_1 is nowhere: nothing was written
    expect(ended.output).not.toContain("ProductionExecutionNotAuthorized");
    expect(ended.output).toMatch(/next: +sign SG_1, drafted by: runbooks\/draft /);
    expect([await status(), await tokens()]).toEqual([off, noTokens]);
  });

  it("after the orchestrator was killed", async () => {
    expect((await enable()).code).toBe(0);
    await onHost(`cat > ${kbFaultsFile}`, JSON.stringify({ stall: true }));
    await onHost(`systemctl start --no-block cutter-run@${runId}`);
    const unit = `cutter-run@${runId}`;
    const seen = await until(
      async () =>
        /^(LIVE .*\n|.*failed\n)/.exec((await onHost(`cutter kill-switch status; systemctl is-failed ${unit}`)).stdout)?.[0] ?? null,
    );
    expect(seen).toMatch(new RegExp(`^LIVE ${runId} since `));
    expect(await status()).toEqual({
      schema: "cutter.kill-switch/1",
      state: "live",
      run_id: runId,
      until: null,
      since: expect.stringMatching(/^\d{4}-.*Z$/),
      why: null,
    });
    expect((await onHost(`kill -KILL "$(systemctl show -p MainPID --value ${unit})"`)).code).toBe(0);
    await until(async () => ((await onHost(`systemctl is-active ${unit}`)).stdout.trim() === "failed" ? true : null));
    await onHost(`rm -f ${kbFaultsFile}`);
    expect([await status(), await tokens(), (await onHost("ls -A /run/cutter/cred")).stdout]).toEqual([off, noTokens, ""]);
    expect(await result()).toMatchObject({ code: "RUN_KILLED" });
  });

  it("after its hour: the start removes the token and says so", async () => {
    expect((await enable()).code).toBe(0);
    await onHost(`sed -i -E 's/"(issued_at|expires_at)": "[0-9]{4}/"\\1": "2001/' /run/cutter/armed/${runId}/token.json`);
    expect(await status()).toEqual(off);
    expect((await run(["runbooks/start-run", "--stack", "sandbox", "--run-id", runId])).code).toBe(10);
    expect(await result()).toMatchObject({ code: "TOKEN_EXPIRED", exit_code: 10, exit_kind: "not-started" });
    expect(await tokens()).toBe(noTokens);
  });

  it("after a change of a pinned key: the run refuses before anything", async () => {
    await enableFreshly();
    await onHost("cp -p /etc/cutter/keys/sovereign.asc /run/sovereign.kept; echo >> /etc/cutter/keys/sovereign.asc");
    const ended = await run(["runbooks/start-run", "--stack", "sandbox", "--run-id", runId]);
    await onHost("mv /run/sovereign.kept /etc/cutter/keys/sovereign.asc");
    expect([ended.code, ended.output]).toEqual([10, expect.stringContaining("ProductionExecutionNotAuthorized")]);
    expect(await tokens()).toBe(noTokens);
  });

  it("after pulumi up: preview shows the token as drift, up removes it and changes nothing else", async () => {
    await enableFreshly();
    const preview = await pulumi("preview", "--diff", "--expect-no-changes");
    expect([preview.code === 0, preview.output]).toEqual([false, expect.stringMatching(new RegExp(`armed\\s*: "${runId}"`))]);
    const up = await pulumi("up", "--yes", "--skip-preview");
    expect([up.code, up.output]).toEqual([0, expect.stringMatching(/execution-off updated/)]);
    expect(up.output).toContain("1 updated");
    expect(up.output).toContain("disarmed first");
    expect([await status(), await tokens()]).toEqual([off, noTokens]);
    expect((await onHost("tail -n 1 /var/lib/cutter-ledger/audit.jsonl")).stdout).toContain("disarmed_by_deploy");
  });
});

describe("a live run that has written and is not at its end", () => {
  it("keeps the host as it is: up and destroy refuse, and preview names it", async () => {
    const sha = "0".repeat(64);
    const journal = [
      {
        seq: 0,
        at: "2026-11-22T10:00:00.000Z",
        kind: "run_started",
        run_id: `planted-${stamp}`,
        document_id: documentId,
        mode: "live",
        inputs: { request_sha256: sha, config_sha256: sha, release_sha256: sha, host_identity: sha },
        prev: sha,
      },
      { seq: 1, at: "2026-11-22T10:00:01.000Z", kind: "transaction", step: "SG_1", id: "1", prev: sha },
    ]
      .map((record) => `${JSON.stringify(record)}\n`)
      .join("");
    await onHost(
      `install -d -m 0700 -o cutter -g cutter /var/lib/cutter/runs/planted-${stamp}; cat > ` +
        `/var/lib/cutter/runs/planted-${stamp}/journal.jsonl`,
      journal,
    );
    await onHost("chmod 0755 /var/lib/cutter/batches"); // something up would repair
    expect((await pulumi("preview", "--diff")).output).toContain(`unfinished: "planted-${stamp}"`);
    for (const ended of [await pulumi("up", "--yes", "--skip-preview"), await pulumi("destroy", "--yes", "--skip-preview")]) {
      expect([ended.code === 0, ended.output]).toEqual([
        false,
        expect.stringMatching(new RegExp(`UNFINISHED_LIVE_RUN .*planted-${stamp}`)),
      ]);
    }
    expect(
      (
        await onHost(
          "stat -c %a /var/lib/cutter/batches; readlink -e /opt/cutter/current/bin/cutter | wc -l; systemctl is-active cutter-dump.socket",
        )
      ).stdout,
    ).toBe("755\n1\nactive\n");
    await onHost(`rm -rf /var/lib/cutter/runs/planted-${stamp}`);
    expect((await pulumi("up", "--yes", "--skip-preview")).code).toBe(0);
    expect((await onHost("stat -c %a /var/lib/cutter/batches")).stdout).toBe("700\n");
  });
});

describe("documents signed with the host's own stock gpg", () => {
  it.each(["ed25519", "rsa4096"])("are accepted with a key of %s", async (algorithm) => {
    const file = await fillAndSign(single, "SG_1");
    const made = await onHost(
      [
        'set -eu; export GNUPGHOME=$(mktemp -d /tmp/gXXXXXX); trap \'gpgconf --kill all; rm -rf "$GNUPGHOME"\' EXIT; cd "$GNUPGHOME"; cat > approval.md',
        `gpg --batch --quiet --passphrase '' --quick-generate-key signer ${algorithm} sign 1y`,
        "gpg --armor --export signer > key.asc; gpg --batch --armor --detach-sign approval.md",
        "fingerprint=$(gpg --with-colons --list-keys signer | sed -n 's/^fpr:*\\([0-9A-F]*\\):/\\1/p' | head -n 1)",
        'gpg --version | head -n 1; env -u GNUPGHOME cutter approval verify approval.md --sovereign-key key.asc --sovereign-fingerprint "$fingerprint"',
      ].join("\n"),
      readFileSync(file, "utf8"),
    );
    expect([made.code, made.stdout, made.stderr]).toEqual([
      0,
      expect.stringMatching(/^gpg \(GnuPG\) 2\.\d.*\n\[OK\] SG_1 approve /),
      expect.any(String),
    ]);
  });
});
