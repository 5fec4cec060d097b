// pulumi up against the booted sandbox: ready, unchanged, refused, removed; judged on the host itself.
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { readSandboxState } from "../../provision/sandbox/state/state.ts";
import { checkout, npm, onHost, run } from "../support/e2e.ts";
import { pulumi, readTree, up } from "../support/stack.ts";

const knownHosts = join(checkout, "Pulumi.sandbox.known_hosts");
const envFile = "/opt/incomex/docker/.env";
const host = async (commandLine: string) => (await onHost(commandLine)).stdout;

const readOutputs = async () =>
  JSON.parse((await pulumi("stack", "output", "--json")).output) as {
    readonly gaps: { readonly sandbox: Readonly<Record<string, string>> };
    readonly executionEnabled: boolean;
    readonly release: string;
    readonly hosts: readonly { readonly proof: string }[];
  };
const openGaps = async () =>
  Object.entries((await readOutputs()).gaps.sandbox).flatMap(([id, said]) => (said.startsWith("open: ") ? [id] : []));

/** The env file's bytes without our line, and how it may be accessed. */
const readEnvFile = (filter = "cat") => host(`stat -c '%a %U:%G' ${envFile}; ${filter} ${envFile} | sha256sum`);
const withoutOurLine = "grep -av '^BACKUP_GPG_FPR='";

/** A host that never saw the kit: a used sandbox is made anew, of the same suite. */
beforeAll(async () => {
  expect((await npm("sandbox", "up")).code).toBe(0);
  if ((await host("ls -d /opt/cutter /etc/cutter 2>/dev/null; true")) !== "") {
    const { suite } = readSandboxState(checkout);
    expect((await npm("sandbox", "down")).code).toBe(0);
    expect((await npm("sandbox", "up", "--suite", suite)).code).toBe(0);
  }
  await pulumi("stack", "rm", "--force", "--yes", "--preserve-config");
  expect((await npm("pulumi", "stack", "select", "--create", "sandbox")).code).toBe(0);
});

it("a survey of the bare host finds every gap open, with evidence, and leaves nothing behind", async () => {
  const { code, output } = await run(["node", "runbooks/survey.ts", "--stack", "sandbox", "--json"]);
  expect(code).toBe(0);
  const survey = JSON.parse(output) as {
    readonly gaps: readonly { readonly id: string; readonly state: string; readonly evidence: readonly string[] }[];
  };
  expect(survey.gaps.map(({ id, state }) => `${id} ${state}`)).toEqual([1, 2, 3, 4, 5, 6, 7, 8].map((n) => `GAP-${n} open`));
  expect(survey.gaps.every(({ evidence }) => evidence.length > 0)).toBe(true);
  expect(await host("ls -d /opt/cutter /etc/cutter /var/lib/cutter* /run/cutter* 2>/dev/null; true")).toBe("");
});

it("an up closes GAP-1 to GAP-6, leaves execution off, and touches nothing of the env file but its own line", async () => {
  const before = await readEnvFile();
  expect(await host(`grep -ac BACKUP_GPG_FPR= ${envFile}; true`)).toBe("0\n");
  rmSync(knownHosts, { force: true });
  const { code, output } = await up();
  expect(output).not.toContain("error:");
  expect(code).toBe(0);
  const { address, hostKey } = readSandboxState(checkout);
  expect(readFileSync(knownHosts, "utf8").split("\n").slice(1)).toEqual([`${address} ${hostKey} sandbox`, ""]);
  // What it did, and what its outputs say, fits on one screen.
  expect(output.slice(output.indexOf("Outputs:")).split("\n").length).toBeLessThan(35);
  expect(await openGaps()).toEqual(["GAP-7", "GAP-8"]);
  expect((await readOutputs()).executionEnabled).toBe(false);
  expect((await readOutputs()).hosts.map(({ proof }) => proof)).toEqual([expect.stringMatching(/^\[INFO\] [^]*\noff$/)]);
  expect(await readEnvFile(withoutOurLine)).toBe(before);
  expect(await host(`grep -ac '^BACKUP_GPG_FPR=[0-9A-F]\\{40\\}$' ${envFile}`)).toBe("1\n");
  expect(await host("/usr/local/bin/cutter kill-switch status; ls /run/cutter/armed /run/cutter/live")).toBe(
    "off\n/run/cutter/armed:\n\n/run/cutter/live:\n",
  );
  expect(await host("basename $(readlink -f /opt/cutter/current)")).toBe(`${(await readOutputs()).release}\n`);
});

it("a second up reports no change and runs nothing again, also behind a shell that greets root before each command", async () => {
  await host("cp /root/.bashrc /root/.bashrc-kept; echo 'echo welcome back; set -u' >/root/.bashrc; touch /run/cutter-e2e-marker");
  try {
    expect(await host("true")).toBe("welcome back\n");
    const { code, output } = await up("--expect-no-changes");
    expect(output).toMatch(/\d+ unchanged/);
    expect(output).not.toMatch(/\d+ (created|updated|replaced|deleted)/);
    expect(code).toBe(0);
  } finally {
    await host("mv /root/.bashrc-kept /root/.bashrc");
  }
  expect(
    await host(
      "find /opt/cutter /etc/cutter /etc/systemd/system /etc/tmpfiles.d /usr/local/bin /var/lib/cutter /opt/incomex/docker " +
        "-newer /run/cutter-e2e-marker",
    ),
  ).toBe("");
});

it("no secret of the host stands in the state", async () => {
  const state = (await pulumi("stack", "export", "--show-secrets")).output;
  const lines = (await host(`cat ${envFile} /opt/incomex/secrets/.env.production`)).split("\n");
  const secrets = lines.flatMap((line) => /^[A-Z_]*(?:PASSWORD|KEY|DSN|TOKEN|SECRET)[A-Z_]*='?([^']{8,})'?$/.exec(line)?.[1] ?? []);
  expect(secrets.length).toBeGreaterThan(3);
  expect(secrets.filter((secret) => state.includes(secret))).toEqual([]);
});

/** Before the destroy, and what stands of it afterwards. */
let ready = "";
const kept = () =>
  host(
    "find /var/lib/cutter/runs/kept -type f -exec sha256sum {} + | sort; cat /var/lib/cutter/runs/kept/report; stat -c '%a " +
      "%U' /var/lib/cutter/runs/kept",
  );
let keptBefore = "";

it("a destroy removes code, config and units, gives the env file its bytes back, and keeps runs, ledger and user, and says so", async () => {
  ready = await readTree();
  await host(
    "echo '{}' > /etc/cutter/requests/removal-trial.yaml; install -d -m 0700 -o cutter -g cutter /var/lib/cutter/runs/kept " +
      "/var/lib/cutter/runs/kept/backup && echo proof > /var/lib/cutter/runs/kept/report && echo sealed > " +
      "/var/lib/cutter/runs/kept/backup/kept.dump.gpg",
  );
  keptBefore = await kept();
  const businessBytes = await readEnvFile(withoutOurLine);
  const { code, output } = await pulumi("destroy", "--yes", "--skip-preview");
  expect(output).toContain("deleted");
  expect(code).toBe(0);
  expect(output).toMatch(/- GAP-1: "closed: /); // taken away, not claimed
  expect(output).not.toMatch(/^[ +~]*(GAP-1|executionEnabled|release) *:/m);
  expect(output).toMatch(
    /\[INFO\] host sandbox kept: \/var\/lib\/cutter \(\d+ runs, \d+ backups, .*\/var\/lib\/cutter-ledger \(.*\/etc\/cutter \([^)]*ownership\.jsonl[^)]*\); user and group cutter\. An up takes all of it up again/,
  );
  expect(await readEnvFile()).toBe(businessBytes);
  expect(
    await host(
      "ls -d /opt/cutter /etc/cutter/keys /etc/cutter/execution /etc/cutter/*.yaml /etc/cutter/*.sql " +
        "/etc/systemd/system/cutter-* /etc/tmpfiles.d/cutter.conf /usr/local/bin/cutter 2>/dev/null; true",
    ),
  ).toBe("");
  expect(await kept()).toBe(keptBefore);
  expect(keptBefore).toMatch(/\nproof\n700 cutter\n$/);
  expect(await host("stat -c '%a %U' /var/lib/cutter-ledger; id -un cutter")).toBe("700 root\ncutter\n");
});

it("an up refuses a foreign file in its way and leaves it untouched; once it is gone, an up brings every byte of the rest back", async () => {
  await host("echo somebody > /usr/local/bin/cutter; chmod 0600 /usr/local/bin/cutter");
  const { code, output } = await up();
  expect(code).not.toBe(0);
  expect(output).toContain("FOREIGN_FILE");
  expect(output).toContain("/usr/local/bin/cutter");
  expect(await host("cat /usr/local/bin/cutter; stat -c %a /usr/local/bin/cutter; rm /usr/local/bin/cutter")).toBe("somebody\n600\n");
  expect((await up()).code).toBe(0);
  expect(await openGaps()).toEqual(["GAP-7", "GAP-8"]);
  expect(await kept()).toBe(keptBefore);
  await host("rm -r /var/lib/cutter/runs/kept /etc/cutter/requests/removal-trial.yaml");
  expect(await readTree()).toBe(ready);
});
