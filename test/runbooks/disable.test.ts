// runbooks/disable against a folder that plays the host: an ssh that runs the line here, with the host's paths put below that folder.
import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { recordAudit } from "../../orchestrator/root-helper/state/ledger.ts";

const script = resolve(import.meta.dirname, "../../runbooks/disable");
let base: string;

function write(path: string, text: string): void {
  writeFileSync(join(base, path), text);
  chmodSync(join(base, path), 0o755);
}

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "disable-"));
  for (const folder of [
    "bin",
    "kit/runbooks",
    "host/etc/cutter/execution",
    "host/run/cutter/armed/R1",
    "host/run/cutter/live/R2",
    "host/var/lib/cutter-ledger",
  ])
    mkdirSync(join(base, folder), { recursive: true });
  copyFileSync(script, join(base, "kit/runbooks/disable"));
  write("kit/Pulumi.replica.yaml", "config:\n  cutter-kit:host: 192.0.2.1\n  cutter-kit:hostKey: ssh-ed25519 AAAA\n");
  write(
    "bin/ssh",
    `#!/bin/sh\nfor line; do :; done\nprintf '%s' "$line" | sed -E 's#/(etc|run)/cutter|/var/lib/cutter-ledger#${base}/host&#g' | sh\n`,
  );
  write("bin/systemctl", `#!/bin/sh\n[ "$1" = list-units ] && [ -e ${base}/running ] && echo cutter-run@R2.service\nexit 0\n`);
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

function disable(...args: readonly string[]): { readonly status: number | null; readonly text: string } {
  const { status, stdout, stderr } = spawnSync("sh", [join(base, "kit/runbooks/disable"), ...args], {
    env: { PATH: `${join(base, "bin")}:${process.env["PATH"] ?? ""}` },
    encoding: "utf8",
  });
  return { status, text: stdout + stderr };
}
const tokens = (): readonly string[] => ["armed", "live"].flatMap((kind) => readdirSync(join(base, "host/run/cutter", kind)));
const latch = (): boolean => existsSync(join(base, "host/etc/cutter/execution/DISABLED"));

test("sets the latch, removes every token, and --clear lifts the latch again", () => {
  expect(disable()).toMatchObject({ status: 0 });
  expect([latch(), tokens()]).toEqual([true, []]);
  expect(disable("--clear")).toMatchObject({ status: 0 });
  expect(latch()).toBe(false);
});

test("adds to the chained audit log what root's own lines follow, and after which they follow", () => {
  const host = { root: join(base, "host"), ownerUid: process.getuid?.() ?? 0, cutter: { uid: 0, gid: 0 } };
  expect(disable()).toMatchObject({ status: 0 });
  recordAudit(host, "enable_refused", { run_id: "R1", code: "ENABLE_LATCHED" }, new Date());
  expect(disable("--now")).toMatchObject({ status: 0 });
  expect(disable("--clear")).toMatchObject({ status: 0 });
  recordAudit(host, "enable", {}, new Date()); // reads the whole chain before it adds to it
  const lines = readFileSync(join(base, "host/var/lib/cutter-ledger/audit.jsonl"), "utf8").trimEnd().split("\n");
  expect(lines.map((line) => (JSON.parse(line) as { action: string }).action)).toEqual([
    "disable",
    "enable_refused",
    "now",
    "clear",
    "enable",
  ]);
});

test("adds nothing to an audit log whose last line was cut off: that line must stay the last, so that it can be taken off", () => {
  const log = join(base, "host/var/lib/cutter-ledger/audit.jsonl");
  writeFileSync(log, '{"seq":0,"at"');
  const { status, text } = disable();
  expect([status, latch(), tokens(), readFileSync(log, "utf8")]).toEqual([0, true, [], '{"seq":0,"at"']);
  expect(text).toContain("[WARN] not in the audit log");
});

test("removes the tokens also where the latch's folder and the audit log's are gone", () => {
  rmSync(join(base, "host/etc/cutter/execution"), { recursive: true });
  rmSync(join(base, "host/var"), { recursive: true });
  expect(disable()).toMatchObject({ status: 0 });
  expect([latch(), tokens()]).toEqual([true, []]);
});

test("does not say that it is off when a latch could not be set, and removes the tokens all the same", () => {
  rmSync(join(base, "host/etc/cutter"), { recursive: true });
  writeFileSync(join(base, "host/etc/cutter"), "");
  const { status, text } = disable();
  expect([status, tokens()]).toEqual([30, []]);
  expect(text).toContain("NOT_PROVEN");
  expect(text).not.toContain("[OK]");
});

test("--now does not say that runs are stopped while one still runs", () => {
  writeFileSync(join(base, "running"), "");
  expect(disable("--now")).toMatchObject({ status: 30 });
  rmSync(join(base, "running"));
  expect(disable("--now")).toMatchObject({ status: 0 });
});

test("asks no host where the stack's file is the example still", () => {
  copyFileSync(resolve(import.meta.dirname, "../../Pulumi.contabo.example.yaml"), join(base, "kit/Pulumi.replica.yaml"));
  const { status, text } = disable();
  expect([status, text]).toEqual([
    78,
    expect.stringContaining("Pulumi.replica.yaml names no cutter-kit:host and hostKey; by hand, as --help says"),
  ]);
  expect([latch(), tokens()]).toEqual([false, ["R1", "R2"]]);
});

test(
  "sets the latch on every host of a stack of several, goes on where one cannot be reached, and says which is not proven; " +
    "--host means one",
  () => {
    const [first, second] = [
      "  - name: one\n    host: 192.0.2.1\n    hostKey: ssh-ed25519 AAAA # a note\n",
      '  - host: "192.0.2.2"\n    name: two\n    port: 2222\n    hostKey: ssh-ed25519 BBBB\n',
    ];
    write(
      "kit/Pulumi.replica.yaml",
      `config:\n  cutter-kit:hosts:\n${first}${second}  cutter-kit:release: ""\n  orchestrator:kb_base_url: https://host.example\n`,
    );
    // The first host is down; of the second, the port and the key it must show are noted.
    write(
      "bin/ssh",
      `#!/bin/sh\nfor line; do :; done\ncase "$*" in *root@192.0.2.1*) exit 255;; esac\nfor word; do case $word in ` +
        `UserKnownHostsFile=*) cat "\${word#*=}" >> ${base}/asked;; esac; done\nprintf '%s' "$line" | sed -E ` +
        `'s#/(etc|run)/cutter|/var/lib/cutter-ledger#${base}/host&#g' | sh\n`,
    );
    const { status, text } = disable();
    expect([status, latch(), tokens()]).toEqual([30, true, []]);
    expect(text).toContain("NOT_PROVEN on 192.0.2.1");
    expect(text).toContain("[OK]   192.0.2.2: the latch is on, no token is left");
    expect(readFileSync(join(base, "asked"), "utf8")).toBe("[192.0.2.2]:2222 ssh-ed25519 BBBB\n");
    expect(disable("--clear", "--host", "two")).toMatchObject({ status: 0 });
    expect(latch()).toBe(false);
    expect(disable("--host", "three")).toMatchObject({ status: 78, text: expect.stringContaining("names no host three") });
  },
);
