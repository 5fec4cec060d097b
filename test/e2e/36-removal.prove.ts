// Things that go, by rows too slow for `npm test`: a destroy beside older releases, a host that is gone, and names that change while the
// things stay.
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import { afterAll, beforeAll, expect, it } from "vitest";
import { readSandboxState } from "../../provision/sandbox/state/state.ts";
import { runPulumi } from "../../provision/toolchain/pulumi/run.ts";
import { checkout, onHost } from "../support/e2e.ts";
import { ensureReady } from "../support/ready-host.ts";
import { pulumi, readTree, up } from "../support/stack.ts";

const host = async (commandLine: string) => (await onHost(commandLine)).stdout;
const stackFile = join(checkout, "Pulumi.sandbox.yaml");
const stackText = readFileSync(stackFile, "utf8");

/** Older releases go with a destroy, and an up brings the one that is wanted. */
async function readWithoutOlder(): Promise<string> {
  const current = (await host("basename $(readlink /opt/cutter/current)")).trim();
  const isOlder = (line: string) =>
    /\/opt\/cutter\/(last-good|release-state\/good|releases\/.)/.test(line) && !line.includes(`/releases/${current}`);
  return (await readTree())
    .split("\n")
    .filter((line) => !isOlder(line))
    .join("\n");
}

beforeAll(ensureReady);
afterAll(async () => {
  writeFileSync(stackFile, stackText);
  await ensureReady();
});

it("a destroy says what it kept, the kept runs are untouched, and an up brings every byte of the rest back", async () => {
  const before = await readWithoutOlder();
  await host("echo '{}' > /etc/cutter/requests/removal-trial.yaml");
  await host(
    "install -d -m 0700 -o cutter -g cutter /var/lib/cutter/runs/kept/backup && echo proof > " +
      "/var/lib/cutter/runs/kept/report && echo sealed > /var/lib/cutter/runs/kept/backup/kept.dump.gpg",
  );
  const kept = () => host("find /var/lib/cutter/runs/kept -type f -exec sha256sum {} + | sort; stat -c '%a %U' /var/lib/cutter/runs/kept");
  const keptBefore = await kept();
  const { code, output } = await pulumi("destroy", "--yes", "--skip-preview");
  expect(code).toBe(0);
  expect(output).toMatch(
    /\[INFO\] host sandbox kept: \/var\/lib\/cutter \(\d+ runs, \d+ backups, .*\/var\/lib\/cutter-ledger \(.*\/etc\/cutter \([^)]*ownership\.jsonl[^)]*\); user and group cutter\. An up takes all of it up again/,
  );
  expect(
    await host(
      "ls -d /opt/cutter /etc/cutter/keys /etc/cutter/execution /etc/cutter/*.yaml /etc/cutter/*.sql " +
        "/etc/systemd/system/cutter-* /etc/tmpfiles.d/cutter.conf /usr/local/bin/cutter 2>/dev/null; true",
    ),
  ).toBe("");
  expect(await kept()).toBe(keptBefore);
  expect(existsSync(join(checkout, "Pulumi.sandbox.known_hosts"))).toBe(true);
  expect((await up()).code).toBe(0);
  expect(await kept()).toBe(keptBefore);
  await host("rm -r /var/lib/cutter/runs/kept /etc/cutter/requests/removal-trial.yaml");
  expect(await readWithoutOlder()).toBe(before);
});

it("a destroy of a host that is gone is refused by name; the way out of the README forgets it and touches nothing", async () => {
  const before = await readTree();
  // An address of this very network that nobody has.
  const nobody = readSandboxState(checkout).address.replace(/\d+$/, (last) => String((Number(last) & ~3) + 3));
  writeFileSync(stackFile, stackText.replace(/^( *cutter-kit:host:).*$/m, `$1 ${nobody}`));
  const exported = (await pulumi("stack", "export")).output;
  const state = join(checkout, ".sandbox/state-of-a-gone-host.json");
  writeFileSync(state, exported.replaceAll(readSandboxState(checkout).address, nobody));
  expect((await pulumi("stack", "import", "--file", state)).code).toBe(0);
  const refused = await pulumi("destroy", "--yes", "--skip-preview");
  expect(refused.code).not.toBe(0);
  expect(refused.output).toMatch(/HOST_UNREACHABLE .*host=sandbox .*deadline_s=15/);
  expect(await readTree()).toBe(before);

  expect((await pulumi("stack", "rm", "--force", "--yes", "--preserve-config")).code).toBe(0);
  expect(await readTree()).toBe(before);
  writeFileSync(stackFile, stackText);
  writeFileSync(state, exported);
  expect((await pulumi("stack", "init")).code).toBe(0);
  expect((await pulumi("stack", "import", "--file", state)).code).toBe(0);
  rmSync(state);
  expect((await pulumi("preview", "--expect-no-changes")).code).toBe(0);
});

it("a stack that is renamed: a destroy refuses to forget what the host still has, an up takes all of it along, and takes it back", async () => {
  const before = await readTree();
  const renamed = async (...args: readonly string[]) => {
    const { code, stdout, stderr } = await runPulumi([...args, "--stack", "renamed", "--non-interactive", "--color", "never"], {
      environment: { SSH_AUTH_SOCK: readSandboxState(checkout).agentSocket },
    });
    return { code, output: stdout + stderr };
  };
  expect((await pulumi("stack", "rename", "renamed")).code).toBe(0);
  try {
    const refused = await renamed("destroy", "--yes", "--skip-preview");
    expect([refused.code === 0, refused.output]).toEqual([
      false,
      expect.stringMatching(/CLAIMED_BY_OTHER_STACK .*host=sandbox .*found="claimed by stack sandbox of cutter-kit"/),
    ]);
    expect(await readTree()).toBe(before);
    expect((await renamed("up", "--yes", "--skip-preview")).code).toBe(0);
    expect(await readTree()).toBe(before);
    expect((await renamed("preview", "--expect-no-changes")).code).toBe(0);
  } finally {
    expect((await renamed("stack", "rename", "sandbox")).code).toBe(0);
  }
  expect((await up()).code).toBe(0);
  expect(await readTree()).toBe(before);
});

it("a resource that is renamed, put under another parent, or moved, never deletes what it has just made", async () => {
  const project = join(checkout, "test/fixtures/renaming");
  const config = join(project, "Pulumi.sandbox.yaml");
  const { name: _name, ...address } = { name: "", ...hostAddress() };
  const engine = async (settings: object, ...args: readonly string[]) => {
    const values = { base: "/opt/cutter-renaming", name: "first", roomed: "false", ...settings, host: { name: "sandbox", ...address } };
    writeFileSync(
      config,
      stringify({ config: Object.fromEntries(Object.entries(values).map(([key, value]) => [`renaming:${key}`, value])) }, { lineWidth: 0 }),
    );
    const { code, stdout, stderr } = await runPulumi([...args, "--stack", "sandbox", "--non-interactive", "--color", "never"], {
      workingDirectory: project,
    });
    return { code, output: stdout + stderr };
  };
  const things = (base = "/opt/cutter-renaming") => host(`cd ${base} && stat -c '%n %a %U %F' . file link && cat file && readlink link`);
  try {
    expect((await engine({}, "stack", "select", "--create")).code).toBe(0);
    expect(await engine({}, "up", "--yes", "--skip-preview")).toMatchObject({ code: 0 });
    const made = await things();
    expect(made).toContain("made once\nfile\n");
    for (const settings of [{ name: "second" }, { name: "second", roomed: "true" }]) {
      const changed = await engine(settings, "up", "--yes", "--skip-preview");
      expect([changed.code, changed.output]).toEqual([0, expect.stringMatching(/\+ [34] created\s+- 3 deleted/)]);
      expect(await things()).toBe(made);
      expect((await engine(settings, "preview", "--expect-no-changes")).code).toBe(0);
    }
    const moved = { name: "second", roomed: "true", base: "/opt/cutter-moved" };
    expect((await engine(moved, "up", "--yes", "--skip-preview")).code).toBe(0);
    expect([await things("/opt/cutter-moved"), await host("ls -d /opt/cutter-renaming 2>&1")]).toEqual([
      made,
      expect.stringContaining("No such file"),
    ]);
    expect((await engine(moved, "destroy", "--yes", "--skip-preview")).code).toBe(0);
    expect(await host("ls -d /opt/cutter-moved 2>&1")).toContain("No such file");
  } finally {
    await engine({}, "stack", "rm", "--force", "--yes");
    rmSync(config, { force: true });
  }
});

function hostAddress() {
  const { address, port, user, hostKey, machineIdentity } = readSandboxState(checkout);
  return { host: address, port, user, hostKey, machineIdentity };
}
