// The unit texts, judged by systemd's own tools and by what the contract says of them.
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { envNames } from "../../../orchestrator/core/host/secret-names.ts";
import { renderUnits, type UnitInputs } from "../../../provision/units/index.ts";
import { releaseGuardName, releaseGuardText } from "../../../provision/units/release-guard.ts";

const inputs: UnitInputs = {
  kb_base_url: "https://kb.example.org/api",
  run_hard_cap_minutes: 60,
  sidecar_root: "/var/lib/cutter/runs",
  batch_dir: "/var/lib/cutter/batches",
  global_locks_dir: "/var/lib/cutter/locks",
};

let directory = "";

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "units-"));
  mkdirSync(join(directory, "bin"));
  for (const name of ["cutter", "cutter-root"]) {
    writeFileSync(join(directory, "bin", name), "#!/bin/sh\n");
    chmodSync(join(directory, "bin", name), 0o755);
  }
  for (const unit of renderUnits(inputs))
    writeFileSync(join(directory, unit.name), unit.text.replaceAll("/opt/cutter/current/bin", join(directory, "bin")));
});

afterAll(() => rmSync(directory, { recursive: true }));

const textOf = (name: string, changed: Partial<UnitInputs> = {}): string => {
  const unit = renderUnits({ ...inputs, ...changed }).find((candidate) => candidate.name === name);
  if (unit === undefined) throw new Error(`no unit ${name}`);
  return unit.text;
};
const settingsOf = (text: string, name: string): readonly string[] =>
  text
    .split("\n")
    .filter((line) => line.startsWith(`${name}=`))
    .map((line) => line.slice(name.length + 1));

describe("systemd's own judgement", () => {
  test("the run's unit has an exposure of at most 0.9", () => {
    const analysed = spawnSync("systemd-analyze", ["security", "--offline=yes", "--threshold=9", join(directory, "cutter-run@.service")], {
      encoding: "utf8",
    });
    expect(analysed.stdout).toMatch(/exposure level for cutter-run@i\.service: 0\.[0-9]/);
    expect(analysed.status).toBe(0);
  });

  test("the revert's unit has an exposure of at most 0.9, and starts with no other secret than its own", () => {
    expect(
      spawnSync("systemd-analyze", ["security", "--offline=yes", "--threshold=9", join(directory, "cutter-revert@.service")]).status,
    ).toBe(0);
    expect(settingsOf(textOf("cutter-revert@.service"), "LoadCredential")).toEqual(["s:/run/cutter/cred/_revert.%i"]);
  });

  test("a revert stops no run and asks for no token: what forbids cutting does not forbid the way back", () => {
    expect(textOf("cutter-revert@.service")).not.toMatch(/Conflicts|DISABLED|armed|live/);
  });

  test("the gate on exposure can fail: without the address list the same unit does not pass it", () => {
    const file = join(directory, "weak@.service");
    writeFileSync(file, textOf("cutter-run@.service").replace("IPAddressDeny=any\n", ""));
    expect(spawnSync("systemd-analyze", ["security", "--offline=yes", "--threshold=9", file]).status).not.toBe(0);
  });

  test.each(
    renderUnits(inputs)
      .filter(({ name }) => name !== "cutter.conf")
      .map(({ name }) => name),
  )("systemd-analyze verify has no complaint about %s", (name) => {
    const verified = spawnSync("systemd-analyze", ["verify", "--man=no", join(directory, name)], { encoding: "utf8" });
    const ofOurs = verified.stderr.split("\n").filter((line) => line.includes("cutter"));
    expect(ofOurs).toEqual([]);
  });

  test("tmpfiles.d makes exactly the directories below /run/cutter, closed to others", () => {
    const root = mkdtempSync(join(tmpdir(), "tmpfiles-"));
    mkdirSync(join(root, "etc"));
    writeFileSync(join(root, "etc/passwd"), "root:x:0:0::/root:/bin/sh\n");
    writeFileSync(join(root, "etc/group"), "root:x:0:\ncutter:x:0:\n");
    writeFileSync(join(root, "cutter.conf"), textOf("cutter.conf"));
    execFileSync("systemd-tmpfiles", ["--create", `--root=${root}`, join(root, "cutter.conf")]);
    const listed = execFileSync("find", [join(root, "run"), "-mindepth", "1", "-printf", "%m %P\n"], { encoding: "utf8" });
    expect(listed.trim().split("\n").sort()).toEqual([
      "700 cutter/cred",
      "700 cutter/incoming",
      "750 cutter/armed",
      "750 cutter/live",
      "750 cutter/results",
      "750 cutter/revert",
      "750 cutter/revert-results",
      "755 cutter",
    ]);
    rmSync(root, { recursive: true });
  });
});

describe("what the contract says", () => {
  test("the run may take its hard cap and 5 minutes more, by the setting that works on oneshot", () => {
    const text = textOf("cutter-run@.service", { run_hard_cap_minutes: 90 });
    expect(settingsOf(text, "TimeoutStartSec")).toEqual(["95min"]);
    expect(settingsOf(text, "RuntimeMaxSec")).toEqual([]);
  });

  test("a waiting run and a resumable run are no failure of the unit", () => {
    expect(settingsOf(textOf("cutter-run@.service"), "SuccessExitStatus")).toEqual(["11 20"]);
    expect(settingsOf(textOf("cutter-revert@.service"), "SuccessExitStatus")).toEqual(["11 20"]);
  });

  test("the run writes only its own folder, the batches and the locks, and never sees the business's files", () => {
    const text = textOf("cutter-run@.service");
    expect(settingsOf(text, "ReadWritePaths")).toEqual(["/var/lib/cutter/runs/%i", "/var/lib/cutter/batches", "/var/lib/cutter/locks"]);
    expect(settingsOf(text, "InaccessiblePaths")).toEqual(expect.arrayContaining(["-/opt/incomex", "-/run/docker.sock"]));
  });

  test("no unit names a secret, reads an env file, or forbids V8 its memory", () => {
    const forbidden = new RegExp(["EnvironmentFile", "/opt/incomex/docker", "\\.env", ...envNames.map(({ name }) => name)].join("|"));
    expect(
      renderUnits(inputs)
        .filter(({ text }) => forbidden.test(text))
        .map(({ name }) => name),
    ).toEqual([]);
    expect(
      renderUnits(inputs)
        .filter(({ text }) => text.includes("MemoryDenyWriteExecute"))
        .map(({ name }) => name),
    ).toEqual(["cutter-kb.service"]);
  });

  test("the relay leads to the host and port of the base URL, 443 unless it says otherwise", () => {
    expect(textOf("cutter-kb.service")).toContain(" kb.example.org:443\n");
    expect(textOf("cutter-kb.service", { kb_base_url: "https://kb.example.org:8443/api" })).toContain(" kb.example.org:8443\n");
    expect(settingsOf(textOf("cutter-kb.socket"), "ListenStream")).toEqual(["127.0.0.1:17443"]);
  });

  test("only the two sockets start at boot; a run never starts by itself", () => {
    expect(
      renderUnits(inputs)
        .filter(({ enabled }) => enabled)
        .map(({ name }) => name),
    ).toEqual(["cutter-kb.socket", "cutter-dump.socket"]);
    expect(
      renderUnits(inputs)
        .filter(({ text }) => text.includes("[Install]"))
        .map(({ name }) => name),
    ).toEqual(["cutter-kb.socket", "cutter-dump.socket"]);
  });

  test("the same inputs give the same bytes", () => {
    expect(renderUnits(inputs)).toEqual(renderUnits(inputs));
  });
});

describe("the guard of a switched release", () => {
  test("systemd has no complaint; it starts at boot where a switch is unconfirmed, before the sockets, and runs no release's code", () => {
    const file = join(directory, releaseGuardName);
    writeFileSync(file, releaseGuardText());
    const verified = spawnSync("systemd-analyze", ["verify", "--man=no", file], { encoding: "utf8" });
    expect(verified.stderr.split("\n").filter((line) => line.includes("cutter"))).toEqual([]);
    expect(settingsOf(releaseGuardText(), "WantedBy")).toEqual(["multi-user.target"]);
    expect(settingsOf(releaseGuardText(), "ConditionPathExists")).toEqual(["/opt/cutter/release-state/pending"]);
    expect(settingsOf(releaseGuardText(), "Before")).toEqual(["cutter-dump.socket cutter-kb.socket shutdown.target"]);
    expect(releaseGuardText()).not.toMatch(/\/opt\/cutter\/(current|releases)/);
  });

  test("a boot with it and the sockets enabled has no ordering cycle, which systemd would break by starting no socket at all", () => {
    writeFileSync(join(directory, releaseGuardName), releaseGuardText());
    for (const [target, units] of [
      ["sockets.target.wants", ["cutter-kb.socket", "cutter-dump.socket"]],
      ["multi-user.target.wants", [releaseGuardName]],
    ] as const) {
      mkdirSync(join(directory, target));
      for (const unit of units) symlinkSync(join("..", unit), join(directory, target, unit));
    }
    const complaints = () =>
      spawnSync("systemd-analyze", ["verify", "--man=no", "multi-user.target"], {
        encoding: "utf8",
        env: { ...process.env, SYSTEMD_UNIT_PATH: `${directory}:` },
      }).stderr;
    expect(complaints()).not.toMatch(/ordering cycle/);
    writeFileSync(join(directory, releaseGuardName), releaseGuardText().replace("DefaultDependencies=no\n", ""));
    expect(complaints()).toMatch(/ordering cycle/); // so it would be seen
  });
});
