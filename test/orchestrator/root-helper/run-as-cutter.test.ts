// What root asks of the orchestrator, with stand-ins for systemd's programs: the credentials are there while it runs and gone afterwards,
// and only the command's own exit codes pass.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runAsCutter } from "../../../orchestrator/root-helper/run-as-cutter.ts";
import { makeHostFolder, type HostFolder } from "../../support/host-folder.ts";

const module = resolve(import.meta.dirname, "../../../orchestrator/root-helper/run-as-cutter.ts");
let folder: HostFolder;
let path: string;
beforeEach(() => {
  folder = makeHostFolder();
  mkdirSync(folder.at("bin"));
  path = `${folder.at("bin")}:/usr/bin:/bin`;
});
afterEach(() => folder.remove());

function plant(name: string, body: string): void {
  writeFileSync(folder.at(`bin/${name}`), `#!/bin/sh\n${body}\n`);
  chmodSync(folder.at(`bin/${name}`), 0o755);
}
const left = () => readdirSync(folder.at("run/cutter/cred"));

describe("a command that root hands to cutter", () => {
  it.each([0, 2, 10, 11, 20, 30, 70, 78])(
    "ends with its own exit code %i, its credentials there meanwhile and gone afterwards",
    async (code) => {
      // Like the real one: with SuccessExitStatus it would give 0 for the codes named there.
      plant(
        "systemd-run",
        `for a in "$@"; do case "$a" in SuccessExitStatus=*) exit 0;; LoadCredential=s:*) cat ` +
          `"\${a#LoadCredential=s:}/DOT_CUTTER_EXEC_DB_PASSWORD" >${folder.at("seen")};; esac; done; exit ${String(code)}`,
      );
      expect(await runAsCutter(folder.host, "/opt/cutter", ["grants"], {}, path)).toBe(code);
      expect(readFileSync(folder.at("seen"), "utf8")).toBe("exec-s3cret");
      expect(left()).toEqual([]);
    },
  );

  it.each(["exit 1", "exit 203", "exit 255", "kill -9 $$"])(
    "is not taken to have ended by itself when systemd-run does: %s",
    async (body) => {
      plant("systemd-run", body);
      await expect(runAsCutter(folder.host, "/opt/cutter", ["grants"], {}, path)).rejects.toMatchObject({
        code: "ADHOC_UNIT_FAILED",
        exitCode: 30,
      });
      expect(left()).toEqual([]);
    },
  );

  it("leaves nothing when the credentials cannot be written", async () => {
    folder.write("opt/incomex/docker/.env", "", 0o600);
    await expect(runAsCutter(folder.host, "/opt/cutter", ["grants"], {}, path)).rejects.toMatchObject({ code: "ENV_NAME_MISSING" });
    expect(left()).toEqual([]);
  });

  it.each(["SIGHUP", "SIGINT", "SIGTERM"] as const)("is stopped by %s, and its credentials are gone at once", async (signal) => {
    plant(
      "systemd-run",
      `trap 'exit 20' USR1; echo $$ >${folder.at("pid.new")}; mv ${folder.at("pid.new")} ${folder.at("pid")}; while :; do read ` +
        `x || exit 1; done <${folder.at("never")}`,
    );
    plant("systemctl", `echo "$*" >${folder.at("stopped")}; kill -USR1 $(cat ${folder.at("pid")})`);
    const fifo = spawn("mkfifo", [folder.at("never")]);
    await once(fifo, "close");
    const script =
      `import { runAsCutter } from ${JSON.stringify(module)}; process.exitCode = await ` +
      `runAsCutter(${JSON.stringify(folder.host)}, "/opt/cutter", ["grants"], {}, ${JSON.stringify(path)});`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: ["ignore", "ignore", "inherit"] });
    await expect.poll(() => existsSync(folder.at("pid")), { timeout: 10_000 }).toBe(true);
    const [held] = left();
    child.kill(signal);
    expect((await once(child, "close"))[0]).toBe(20);
    expect(readFileSync(folder.at("stopped"), "utf8")).toBe(`stop cutter-adhoc-${held?.slice(-12) ?? ""}\n`);
    expect(left()).toEqual([]);
  });
});
