// runbooks/disable by the stock ssh client, against a server on loopback whose host is a folder: the host's paths are put below it.
import { spawn } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { recordAudit } from "../../orchestrator/root-helper/state/ledger.ts";
import { startSshAgent } from "../support/hosts/ssh-agent.ts";
import { createSshKeyPair } from "../support/hosts/ssh-keys.ts";
import { startSshServer, type TestSshServer } from "../support/hosts/ssh-server.ts";

const script = resolve(import.meta.dirname, "../../runbooks/disable");
const heart = `'exec sh -c "touch /etc/cutter/execution/DISABLED && ls -l /etc/cutter/execution"'`;
const base = mkdtempSync(join(tmpdir(), "disable-"));
const at = (path: string): string => join(base, path);
/** What a checkout's path may hold, and what no option of ssh takes unquoted. */
const kit = at("a kit's %d ${HOME}");
const known = join(kit, "Pulumi.replica.known_hosts");
let server: TestSshServer;
let stopAgent: () => Promise<void>;
/** A place of a host that is up: the same server by either loopback address. */
const place = (address: string): string => `[${address}]:${String(server.port)}`;

function write(path: string, text: string): void {
  writeFileSync(at(path), text);
  chmodSync(at(path), 0o755);
}

beforeAll(async () => {
  server = await startSshServer(base, [], `. ${at("rc")}`, {
    listenOn: "::",
    toLocal: (command) => command.replaceAll(/\/(?:etc|run)\/cutter|\/var\/lib\/cutter-ledger/g, (path) => at(`host${path}`)),
  });
  stopAgent = await startSshAgent(at("agent"), server.clientKey);
});
afterAll(async () => {
  await server.stop();
  await stopAgent();
  rmSync(base, { recursive: true, force: true });
});
beforeEach(() => {
  for (const folder of [at("host"), at("bin"), kit]) rmSync(folder, { recursive: true, force: true });
  for (const folder of ["etc/cutter/execution", "run/cutter/armed/R1", "run/cutter/live/R2", "var/lib/cutter-ledger"])
    mkdirSync(at(`host/${folder}`), { recursive: true });
  mkdirSync(join(kit, "runbooks"), { recursive: true });
  mkdirSync(at("bin"));
  copyFileSync(script, join(kit, "runbooks/disable"));
  writeFileSync(known, `# a note\n${place("127.0.0.1")} ${server.hostKey} replica\n`);
  write("rc", `PATH=${at("bin")}:$PATH; echo welcome, stranger`);
  write("bin/systemctl", `#!/bin/sh\n[ "$1" = list-units ] && [ -e ${at("running")} ] && echo cutter-run@R2.service loaded\nexit 0\n`);
});

/** The checkout must be as it was: nothing is written here. */
async function disable(...args: readonly string[]): Promise<{ readonly status: number | null; readonly text: string }> {
  const before = readdirSync(kit, { recursive: true });
  const child = spawn("sh", [join(kit, "runbooks/disable"), ...args], {
    env: { PATH: process.env["PATH"] ?? "", SSH_AUTH_SOCK: at("agent"), TMPDIR: at("a folder that is not there"), CDPATH: "/" },
  });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (said: string) => (text += said));
  const status = await new Promise<number | null>((done) => child.on("close", done));
  expect(readdirSync(kit, { recursive: true })).toEqual(before);
  return { status, text };
}
const tokens = (): readonly string[] => ["armed", "live"].flatMap((kind) => readdirSync(at(`host/run/cutter/${kind}`)));
const latch = (): boolean => existsSync(at("host/etc/cutter/execution/DISABLED"));

test("sets the latch, removes every token, and --clear lifts the latch again", async () => {
  expect(await disable()).toMatchObject({ status: 0 });
  expect([latch(), tokens()]).toEqual([true, []]);
  expect(await disable("--clear")).toMatchObject({ status: 0 });
  expect(latch()).toBe(false);
});

test("adds to the chained audit log what root's own lines follow, and after which they follow", async () => {
  const host = { root: at("host"), ownerUid: process.getuid?.() ?? 0, cutter: { uid: 0, gid: 0 } };
  expect(await disable()).toMatchObject({ status: 0 });
  recordAudit(host, "enable_refused", { run_id: "R1", code: "ENABLE_LATCHED" }, new Date());
  expect(await disable("--now")).toMatchObject({ status: 0 });
  expect(await disable("--clear")).toMatchObject({ status: 0 });
  recordAudit(host, "enable", {}, new Date()); // reads the whole chain before it adds to it
  const lines = readFileSync(at("host/var/lib/cutter-ledger/audit.jsonl"), "utf8").trimEnd().split("\n");
  expect(lines.map((line) => (JSON.parse(line) as { action: string }).action)).toEqual([
    "disable",
    "enable_refused",
    "now",
    "clear",
    "enable",
  ]);
});

test("adds nothing to an audit log whose last line was cut off: that line must stay the last, so that it can be taken off", async () => {
  const log = at("host/var/lib/cutter-ledger/audit.jsonl");
  writeFileSync(log, '{"seq":0,"at"');
  const { status, text } = await disable();
  expect([status, latch(), tokens(), readFileSync(log, "utf8")]).toEqual([0, true, [], '{"seq":0,"at"']);
  expect(text).toContain("[WARN] 127.0.0.1: not in the audit log of the host");
});

test("removes the tokens also where the latch's folder and the audit log's are gone", async () => {
  rmSync(at("host/etc/cutter/execution"), { recursive: true });
  rmSync(at("host/var"), { recursive: true });
  expect(await disable()).toMatchObject({ status: 0 });
  expect([latch(), tokens()]).toEqual([true, []]);
});

test("does not say that it is off when a latch could not be set, and removes the tokens all the same", async () => {
  rmSync(at("host/etc/cutter"), { recursive: true });
  writeFileSync(at("host/etc/cutter"), "");
  const { status, text } = await disable();
  expect([status, tokens()]).toEqual([30, []]);
  expect(text).toMatch(/NOT_PROVEN on 127\.0\.0\.1: .*latch unknown,.*Not a directory, tokens none/);
  expect(text).toContain(`ssh -p ${String(server.port)} root@127.0.0.1 ${heart}`);
  expect(text).not.toContain("[OK]");
});

test("--now does not say that runs are stopped while one still runs; without it the run is named", async () => {
  writeFileSync(at("running"), "");
  expect(await disable("--now")).toMatchObject({ status: 30, text: expect.stringContaining("runs cutter-run@R2.service") });
  expect(await disable()).toMatchObject({ status: 0, text: expect.stringContaining("--now stops it at once") });
  rmSync(at("running"));
  expect(await disable("--now")).toMatchObject({ status: 0 });
  write("bin/systemctl", "#!/bin/sh\necho 'no bus' >&2; exit 1\n");
  expect(await disable("--now")).toMatchObject({ status: 30, text: expect.stringContaining("runs unknown, no bus") });
});

test("believes no exit code 0 of a shell that ends before the command, nor words that look like an answer", async () => {
  write("rc", "printf 'hi \\033[31m\\ncutter-0 latch on\\ncutter- tokens none\\n'; exit 0");
  const { status, text } = await disable("--now");
  expect([status, latch(), tokens()]).toEqual([30, false, ["R1", "R2"]]);
  expect(text).toContain("root's login shell ended with 0, and no answer of sh was seen: take it as not done\n       | hi ^[[31m\n");
  expect(text).toContain(
    `type: ssh -t -p ${String(server.port)} root@127.0.0.1  and at its prompt: touch /etc/cutter/execution/DISABLED && ls -l`,
  );
});

test("asks every host of the file whatever became of the others: IPv6 in any spelling, CRLF, no last line end, an unfit line", async () => {
  const down = `[127.0.0.1]:1 ${server.hostKey} down`;
  writeFileSync(
    known,
    [
      "# a note",
      down,
      "*.example.org ssh-ed25519 AAAA",
      `${place("0::1")} ${server.hostKey} six`,
      `${place("::1")} ${server.hostKey}`,
    ].join("\r\n"),
  );
  const { status, text } = await disable();
  expect([status, latch(), tokens()]).toEqual([30, true, []]);
  expect(text).toContain("NOT_PROVEN on 127.0.0.1: ssh ended with 255; sh on the host did not answer");
  expect(text).toContain("is not understood, so its host is not asked: *.example.org");
  expect(text).toContain("[OK]   0::1: the latch is on, no token is left");
  expect(text).toContain("[OK]   ::1: the latch is on, no token is left");
  expect(await disable("--clear", "--host", "six")).toMatchObject({ status: 0 });
  expect(latch()).toBe(false);
  expect(await disable("--host", "three")).toMatchObject({
    status: 78,
    text: expect.stringContaining("names no host three (it names: down *.example.org six ::1)"),
  });
});

test("refuses a host that shows another key, and takes the right one of several by --host-key, without any file", async () => {
  const other = createSshKeyPair().public;
  writeFileSync(known, `${place("127.0.0.1")} ${other} replica\n`);
  expect(await disable()).toMatchObject({ status: 30, text: expect.stringContaining("Host key verification failed") });
  expect(latch()).toBe(false);
  rmSync(known);
  const given = ["--host", "[0::1]", "--port", String(server.port), "--host-key"];
  expect(await disable(...given, other)).toMatchObject({ status: 30 });
  expect(latch()).toBe(false);
  expect(await disable(...given, other, "--host-key", `${server.hostKey} a comment`)).toMatchObject({ status: 0 });
  expect([latch(), tokens()]).toEqual([true, []]);
});

test("says by name which file is missing or which stack is not chosen, and what to type then", async () => {
  expect(await disable("--stack", "contabo")).toMatchObject({
    status: 78,
    text: expect.stringMatching(
      /Pulumi\.contabo\.known_hosts cannot be read.*\n.*configure --stack contabo.*\n.*ssh root@HOST 'exec sh -c/,
    ),
  });
  writeFileSync(join(kit, "Pulumi.other.known_hosts"), "");
  expect(await disable()).toMatchObject({
    status: 78,
    text: expect.stringContaining("name one stack with --stack (found: other replica)"),
  });
  expect(await disable("--stack", "other")).toMatchObject({ status: 78, text: expect.stringContaining("names no host") });
  rmSync(join(kit, "Pulumi.other.known_hosts"));
  rmSync(known);
  const { status, text } = await disable();
  expect([status, text]).toEqual([78, expect.stringContaining("there is no Pulumi.STACK.known_hosts")]);
  expect(text).toContain(`by hand: ssh root@HOST ${heart}`);
  for (const wrong of [["--now", "--clear"], ["--port", "22"], ["--host-key", "ssh-ed25519 AAAA"], ["--stack", "a b"], ["--fast"]])
    expect(await disable(...wrong)).toMatchObject({ status: 2 });
  expect([latch(), tokens()]).toEqual([false, ["R1", "R2"]]);
});

test("says when the stack's config is newer than the file, and asks the hosts of the file", async () => {
  const config = join(kit, "Pulumi.replica.yaml");
  writeFileSync(config, "config:\n  cutter-kit:host: 192.0.2.1\n");
  utimesSync(known, 1_000, 1_000);
  const { status, text } = await disable();
  expect([status, latch()]).toEqual([0, true]);
  expect(text).toContain("[WARN] Pulumi.replica.yaml was changed after Pulumi.replica.known_hosts was written");
  utimesSync(config, 1_000, 1_000);
  expect((await disable()).text).not.toContain("[WARN]");
});
