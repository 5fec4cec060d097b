// The hardening, tried from inside: a probe takes the run's place in its own unit and does what a stolen process would try.
import { globSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { envNames } from "../../orchestrator/core/host/secret-names.ts";
import { kbFaultsFile } from "../../provision/sandbox/host/host-files.ts";
import { readSandboxState } from "../../provision/sandbox/state/state.ts";
import { checkout, onHost, until } from "../support/e2e.ts";
import { ensureReady } from "../support/ready-host.ts";

const stamp = new Date().toISOString().replace(/[-:]|\.\d+/g, "");
const probeId = `probe-${stamp}.dryrun`;
const probeFolder = "/run/cutter-probe";
const dropIn = `/run/systemd/system/cutter-run@${probeId}.service.d`;

interface Probe {
  readonly uid: number;
  readonly connections: Readonly<Record<string, string>>;
  readonly reads: Readonly<Record<string, string>>;
  readonly writable: readonly string[];
  readonly processes: number;
  readonly environment: readonly string[];
  readonly credentials: readonly string[];
}
let probe: Probe;

const writeRequest = (runId: string, documentId: string) =>
  onHost(
    `umask 027; cat > /etc/cutter/requests/${runId}.yaml; chgrp cutter /etc/cutter/requests/${runId}.yaml`,
    `schema: cutter.request/1\nrun_id: ${runId}\ndocument_id: ${documentId}\nmode: dryrun\n`,
  );

beforeAll(async () => {
  await ensureReady();
  const script = readFileSync(resolve(import.meta.dirname, "../fixtures/confinement-probe.mjs"));
  const { address, outerAddress } = readSandboxState(checkout);
  await writeRequest(probeId, "knowledge/other/none.md");
  await onHost(`mkdir -p ${probeFolder} ${dropIn}; cat > ${probeFolder}/probe.mjs`, script.toString("utf8"));
  await onHost(
    `cat > ${dropIn}/probe.conf; systemctl daemon-reload`,
    `[Service]\nExecStart=\nExecStart=/opt/cutter/current/bin/node ${probeFolder}/probe.mjs ${address} ${outerAddress} ` +
      `/var/lib/cutter/runs/${probeId}/probe.json\n`,
  );
  const started = await onHost(`systemctl start cutter-run@${probeId}; journalctl -q -o cat -n 5 -u cutter-run@${probeId}`);
  const found = await onHost(`cat /var/lib/cutter/runs/${probeId}/probe.json`);
  if (found.code !== 0) throw new Error(`the probe left nothing: ${started.stdout}${started.stderr}`);
  probe = JSON.parse(found.stdout) as Probe;
});
afterAll(() =>
  onHost(
    `rm -rf ${probeFolder} ${dropIn} ${kbFaultsFile} /var/lib/cutter/runs/${probeId} /etc/cutter/requests/${probeId}.yaml; ` +
      "systemctl daemon-reload; systemctl reset-failed",
  ),
);

describe("a process inside the run's unit", () => {
  it("scores an exposure of at most 0.9 on the booted host", async () => {
    const analysed = await onHost("systemd-analyze security --threshold=9 cutter-run@any");
    expect(analysed.stdout).toMatch(/exposure level for cutter-run@any\.service: 0\.[0-9]/);
    expect(analysed.code).toBe(0);
  });

  it("is not root, and sees no process but its own", () => {
    expect(probe.uid).not.toBe(0);
    expect(probe.processes).toBeLessThan(6);
  });

  it("reaches loopback: the database, the relay, the dump helper", () => {
    expect(probe.connections).toMatchObject({
      "127.0.0.1:5432": "connected",
      "127.0.0.1:17443": "connected",
      "/run/cutter/dump.sock": "connected",
    });
  });

  it("reaches nothing else: not the knowledge base itself, not the host's own address, not the outside, not Docker", () => {
    const { address, outerAddress } = readSandboxState(checkout);
    for (const target of [
      `${address}:443`,
      `${address}:22`,
      `${outerAddress}:22`,
      "/run/docker.sock",
      "/var/run/docker.sock",
      "/run/containerd/containerd.sock",
      "/run/dbus/system_bus_socket",
    ]) {
      expect([target, probe.connections[target]]).not.toEqual([target, "connected"]);
      expect(probe.connections[target]).toBeDefined();
    }
  });

  it("cannot read the business's files, the ledger, others' credentials or root's home", () => {
    for (const path of [
      "/opt/incomex",
      "/opt/incomex/docker/.env",
      "/opt/incomex/secrets/.env.production",
      "/var/lib/cutter-ledger",
      "/run/cutter/cred",
      "/root",
      "/etc/shadow",
    ])
      expect([path, probe.reads[path]]).toEqual([path, expect.stringMatching(/^E(ACCES|PERM|NOENT)$/)]);
    expect(probe.reads["/etc/cutter/orchestrator.yaml"]).toBe("read");
  });

  it("can write its own run's folders, the batches and the locks, and nothing else on the whole host", () => {
    const own = ["/var/lib/cutter/batches", "/var/lib/cutter/locks", `/var/lib/cutter/runs/${probeId}`, `/run/cutter-run/${probeId}`];
    expect(probe.writable.filter((path) => !own.includes(path) && !own.some((folder) => path.startsWith(`${folder}/`)))).toEqual([]);
    expect(probe.writable).toEqual(expect.arrayContaining(own));
  });

  it("has its secrets as files only it can see; its environment names none", () => {
    expect(probe.credentials).toContain("s_DOT_CUTTER_EXEC_DB_PASSWORD");
    expect(probe.environment.filter((name) => envNames.some((entry) => entry.name === name))).toEqual([]);
  });

  it("leaves no credential behind", async () => {
    expect((await onHost("ls -A /run/cutter/cred")).stdout).toBe("");
  });
});

describe("the root helpers", () => {
  it("refuse what is no run id before they build a path, whatever systemd accepts as an instance", async () => {
    const ids = ["..", ".", "a..b", "a__b", "-rf", "x.dryrun.dryrun"];
    const tries = ids.map(
      (id) =>
        `systemctl start -- 'cutter-run@${id}' 2>/dev/null; echo "$?"; for verb in prepare-run finish-run; do ` +
        `/opt/cutter/current/bin/cutter-root $verb '${id}' 2>/dev/null; echo "$?"; done`,
    );
    const codes = (await onHost(tries.join("\n"))).stdout.trimEnd().split("\n");
    expect(codes).toHaveLength(3 * ids.length);
    for (const [index, code] of codes.entries()) expect(code).toBe(index % 3 === 0 ? "1" : "2");
    expect((await onHost("ls -A /run/cutter/cred /run/cutter/live; systemctl reset-failed")).stdout).toBe(
      "/run/cutter/cred:\n\n/run/cutter/live:\n",
    );
  });

  it("serve nobody but root", async () => {
    expect((await onHost("setpriv --reuid=cutter --regid=cutter --clear-groups /opt/cutter/current/bin/cutter-root host-facts")).code).toBe(
      10,
    );
    expect(
      (
        await onHost(
          'setpriv --reuid=nobody --regid=nogroup --clear-groups /opt/cutter/current/bin/node -e \'require("net").connect("/run/cutter/dump.sock").on("error", (e) => process.exit(e.code === "EACCES" ? 7 : 8)).on("connect", () => process.exit(0))\'',
        )
      ).code,
    ).toBe(7);
  });
});

describe("while a run hangs on a stalled knowledge base", () => {
  const runId = `stalled-${stamp}.dryrun`;

  it("no generated secret is in any process's environment or arguments, in the journal, in the run's folder or in Pulumi's state", async () => {
    await writeRequest(runId, "knowledge/other/commonmark-spec-0-31-2.md");
    await onHost(`cat > ${kbFaultsFile}`, JSON.stringify({ stall: true }));
    await onHost(`systemctl start --no-block cutter-run@${runId}`);
    await until(async () =>
      (await onHost(`systemctl is-active cutter-run@${runId}; ss -tnH state established dst 127.0.0.1:17443`)).stdout.match(
        /^activating\n.*17443/s,
      ) === null
        ? null
        : true,
    );
    const patterns = `${(await readSecrets()).join("\n")}\n`;
    expect(patterns.split("\n").length).toBeGreaterThan(5);
    expect(await scan(patterns)).toBe("");
    for (const file of globSync(join(checkout, ".pulumi-state/backend/**/*"), { withFileTypes: true }).filter((entry) => entry.isFile())) {
      const state = readFileSync(join(file.parentPath, file.name), "utf8");
      expect(
        patterns
          .trimEnd()
          .split("\n")
          .filter((secret) => state.includes(secret)),
      ).toEqual([]);
    }
  });

  it("the scan would find one: a secret planted in a process's environment is found", async () => {
    const [secret = ""] = await readSecrets();
    await onHost("umask 077; cat > /run/cutter-planted.sh", `PLANTED='${secret}' exec sleep 60\n`);
    await onHost("systemd-run --quiet --unit=cutter-planted sh /run/cutter-planted.sh");
    const found = await until(async () => {
      const hits = await scan(`${secret}\n`);
      return hits === "" ? null : hits;
    });
    expect(found).toMatch(/\/proc\/\d+\/environ/);
    await onHost("systemctl stop cutter-planted; rm -f /run/cutter-planted.sh");
  });

  it("a stop ends it: the secrets are gone and the result says that nothing was written", async () => {
    await onHost(`systemctl stop cutter-run@${runId}; rm -f ${kbFaultsFile}`);
    expect((await onHost("ls -A /run/cutter/cred")).stdout).toBe("");
    const result = JSON.parse((await onHost(`cat /run/cutter/results/${runId}.json`)).stdout) as {
      readonly exit_kind: string;
      readonly exit_code: number;
    };
    expect(result.exit_kind).toBe("exited"); // it stopped by itself: systemd did not have to kill it
    expect([10, 11]).toContain(result.exit_code);
    await onHost("systemctl reset-failed");
  });
});

/** The values of our secret names, read on the host by root, as a person would; a DSN counts by its password too. */
async function readSecrets(): Promise<readonly string[]> {
  const names = envNames.filter(({ secret }) => secret).map(({ name }) => name);
  const lines = (await onHost(`grep -hE '^(${names.join("|")})=' /opt/incomex/docker/.env /opt/incomex/secrets/.env.production`)).stdout
    .trimEnd()
    .split("\n");
  const values = lines.map((line) => line.slice(line.indexOf("=") + 1).replace(/^'(.*)'$/, "$1"));
  return [...values, ...values.flatMap((value) => /^postgresql:\/\/[^:]+:([^@]+)@/.exec(value)?.[1] ?? [])];
}

/** Patterns go in on stdin into a root-only file: in grep's arguments they would be the leak they look for. */
async function scan(patterns: string): Promise<string> {
  const look = [
    "umask 077; cat > /run/cutter-scan",
    "grep -lzaF -f /run/cutter-scan /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null",
    "journalctl -q -o export --no-pager | grep -qaF -f /run/cutter-scan && echo journal",
    "grep -rlaF -f /run/cutter-scan /var/lib/cutter /run/cutter/results /etc/cutter /etc/systemd 2>/dev/null",
    "rm -f /run/cutter-scan",
  ];
  return (await onHost(look.join("; "), patterns)).stdout;
}
