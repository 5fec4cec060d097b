// The root steps around a run, in a folder that stands for the host: what is handed over, what is refused, what is left.
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { CutterError } from "../../../../orchestrator/core/errors.ts";
import { runResultSchema, type RunResult } from "../../../../orchestrator/core/run/result.ts";
import { finishRun, cleanUpKilledRun } from "../../../../orchestrator/root-helper/run/finish-run.ts";
import { chownToCutter, prepareRun } from "../../../../orchestrator/root-helper/run/prepare-run.ts";
import { seconds, toToken } from "../../../support/arm-token.ts";
import { configText, envText, makeHostFolder, plantedSecrets, requestText, type HostFolder } from "../../../support/host-folder.ts";
import { toNamed, toRefusal } from "../../../support/refusal-case.ts";

let folder: HostFolder;
beforeEach(() => {
  folder = makeHostFolder();
  folder.write("etc/cutter/requests/R-1.dryrun.yaml", requestText("R-1.dryrun"), 0o640);
});
afterEach(() => folder.remove());

function codeOf(action: () => void, name = ""): string {
  try {
    action();
  } catch (error) {
    if (error instanceof CutterError) {
      return plantedSecrets.some((secret) => error.message.includes(secret)) ? "a secret leaked" : String(toNamed(error, name));
    }
    throw error;
  }
  return "nothing was refused";
}
const now = new Date("2026-11-22T10:00:00Z");
const arm = (content = JSON.stringify(toToken(now))): void => {
  mkdirSync(folder.at("run/cutter/armed/R-1"));
  folder.write("run/cutter/armed/R-1/token.json", content, 0o640);
};
const prepare = (id = "R-1.dryrun", name = "") => codeOf(() => prepareRun(folder.host, id, now), name);
const readResult = (id = "R-1.dryrun"): RunResult =>
  runResultSchema.parse(JSON.parse(readFileSync(folder.at(`run/cutter/results/${id}.json`), "utf8")));
const tree = () => execFileSync("find", [folder.host.root, "-printf", "%P %m %s\n"], { encoding: "utf8" });

describe("prepare-run", () => {
  test("hands over exactly the needed names, each 0400, and makes the run's own folder", () => {
    prepareRun(folder.host, "R-1.dryrun", now);
    const names = readdirSync(folder.at("run/cutter/cred/R-1.dryrun"));
    expect(names.sort()).toEqual([
      "AGENT_DATA_API_KEY",
      "BACKUP_GPG_FPR",
      "DOT_CUTTER_DB_HOST",
      "DOT_CUTTER_DB_NAME",
      "DOT_CUTTER_DB_PORT",
      "DOT_CUTTER_DB_SSLMODE",
      "DOT_CUTTER_EXEC_DB_PASSWORD",
      "DOT_CUTTER_EXEC_DB_USER",
      "DOT_CUTTER_READONLY_DB_PASSWORD",
      "DOT_CUTTER_READONLY_DB_USER",
      "DOT_CUTTER_VERIFY_DB_PASSWORD",
      "DOT_CUTTER_VERIFY_DB_USER",
    ]);
    expect(readFileSync(folder.at("run/cutter/cred/R-1.dryrun/DOT_CUTTER_EXEC_DB_PASSWORD"), "utf8")).toBe("exec-s3cret");
    for (const name of names) expect(statSync(folder.at(`run/cutter/cred/R-1.dryrun/${name}`)).mode & 0o777).toBe(0o400);
    expect(statSync(folder.at("run/cutter/cred/R-1.dryrun")).mode & 0o777).toBe(0o700);
    expect(statSync(folder.at("var/lib/cutter/runs/R-1.dryrun")).mode & 0o777).toBe(0o700);
  });

  test("hands over the governance principal's DSN only when that principal is pinned", () => {
    folder.write("etc/cutter/orchestrator.yaml", configText("governance_principal: directus_secdef"), 0o640);
    prepareRun(folder.host, "R-1.dryrun", now);
    expect(readdirSync(folder.at("run/cutter/cred/R-1.dryrun"))).toContain("DIRECTUS_SECDEF_DSN");
  });

  test("may be repeated: an earlier start's credentials are replaced", () => {
    prepareRun(folder.host, "R-1.dryrun", now);
    writeFileSync(folder.at("run/cutter/cred/R-1.dryrun/stale"), "x");
    prepareRun(folder.host, "R-1.dryrun", now);
    expect(readdirSync(folder.at("run/cutter/cred/R-1.dryrun"))).not.toContain("stale");
  });

  test.each([
    "..",
    ".",
    "",
    "a",
    "-rf",
    "../R-1",
    "R-1/../..",
    "a..b",
    "a__b",
    "$(id)",
    "R-1\n",
    "R 1",
    "R-1\0",
    "é-1",
    "x".repeat(49),
    "R.dryrun.dryrun",
    ".dryrun",
  ])("the id %j is refused before any path is touched", (id) => {
    const before = tree();
    expect(prepare(id)).toBe("RUN_ID_INVALID");
    expect(codeOf(() => finishRun(folder.host, id, { exitKind: "exited", exitRaw: "0", serviceResult: "success" }))).toBe("RUN_ID_INVALID");
    expect(tree()).toBe(before);
  });

  test("an id that differs from an existing run only in case is refused", () => {
    mkdirSync(folder.at("var/lib/cutter/runs/r-1.dryrun"));
    expect(prepare("R-1.dryrun", "RUN_ID_TAKEN reason=case")).toBe("RUN_ID_TAKEN reason=case");
  });

  test.each<[string, string, (f: HostFolder) => void]>([
    [
      "a missing request",
      "REQUEST_INVALID reason=missing",
      (f) => renameSync(f.at("etc/cutter/requests/R-1.dryrun.yaml"), f.at("etc/cutter/requests/other.yaml")),
    ],
    ["a request of another run", "REQUEST_INVALID", (f) => f.write("etc/cutter/requests/R-1.dryrun.yaml", requestText("R-2"), 0o640)],
    [
      "a request with an unknown field",
      "REQUEST_INVALID",
      (f) => f.write("etc/cutter/requests/R-1.dryrun.yaml", `${requestText("R-1.dryrun")}force: true\n`, 0o640),
    ],
    ["a request others can write", "HOST_FILE_UNSAFE", (f) => chmodSync(f.at("etc/cutter/requests/R-1.dryrun.yaml"), 0o660)],
    ["a config others can write", "HOST_FILE_UNSAFE", (f) => chmodSync(f.at("etc/cutter/orchestrator.yaml"), 0o646)],
    [
      "a config with an unknown key",
      "CONFIG_INVALID",
      (f) => f.write("etc/cutter/orchestrator.yaml", configText("execution_enabled: true"), 0o640),
    ],
    ["a folder of requests anybody can write", "HOST_FILE_UNSAFE", (f) => chmodSync(f.at("etc/cutter/requests"), 0o777)],
    ["an env file everybody can read", "HOST_FILE_UNSAFE", (f) => chmodSync(f.at("opt/incomex/docker/.env"), 0o644)],
    [
      "an env file that is a link",
      "HOST_FILE_UNSAFE",
      (f) => {
        renameSync(f.at("opt/incomex/docker/.env"), f.at("opt/incomex/docker/real"));
        symlinkSync("real", f.at("opt/incomex/docker/.env"));
      },
    ],
    [
      "an env file that is a pipe",
      "HOST_FILE_UNSAFE",
      (f) => {
        renameSync(f.at("opt/incomex/docker/.env"), f.at("opt/incomex/docker/real"));
        execFileSync("mkfifo", ["-m", "600", f.at("opt/incomex/docker/.env")]);
      },
    ],
    ["a doubled key", "ENV_NAME_DOUBLED", (f) => f.write("opt/incomex/docker/.env", `${envText}DOT_CUTTER_DB_NAME=directus\n`, 0o600)],
    [
      "an ambiguous line",
      "ENV_LINE_AMBIGUOUS",
      (f) => f.write("opt/incomex/docker/.env", envText.replace("'exec-s3cret'", '"exec-s3cret"'), 0o600),
    ],
    [
      "different values in two files",
      "ENV_NAME_CONFLICT",
      (f) => f.write("opt/incomex/docker/.env", `${envText}AGENT_DATA_API_KEY='kb-s3cret-2'\n`, 0o600),
    ],
    ["a missing name", "ENV_NAME_MISSING", (f) => f.write("opt/incomex/docker/.env", envText.replace("BACKUP_GPG_FPR", "GPG"), 0o600)],
    [
      "a run folder that is a link",
      "RUN_FOLDER_FOREIGN reason=in_the_way",
      (f) => symlinkSync("/etc", f.at("var/lib/cutter/runs/R-1.dryrun")),
    ],
  ])("%s is refused; no credential is left and the result tells the code", (_what, code, spoil) => {
    prepareRun(folder.host, "R-1.dryrun", now); // an earlier start
    if (code === "RUN_FOLDER_FOREIGN reason=in_the_way") execFileSync("rmdir", [folder.at("var/lib/cutter/runs/R-1.dryrun")]);
    spoil(folder);
    expect(prepare("R-1.dryrun", code)).toBe(code);
    expect(existsSync(folder.at("run/cutter/cred/R-1.dryrun"))).toBe(false);
    expect(readResult()).toMatchObject({ code: toRefusal(code).code, exit_kind: "not-started", service_result: "dependency" });
  });

  test("a file of another owner is refused", () => {
    const stranger = { ...folder.host, ownerUid: folder.host.ownerUid + 1 };
    expect(codeOf(() => prepareRun(stranger, "R-1.dryrun", now))).toBe("HOST_FILE_UNSAFE");
  });

  test("a dry run takes no token; a live run moves its own, notes when, and not while the latch is set", () => {
    arm();
    mkdirSync(folder.at("run/cutter/armed/R-1.dryrun"));
    prepareRun(folder.host, "R-1.dryrun", now);
    expect(readdirSync(folder.at("run/cutter/live"))).toEqual([]);
    folder.write("etc/cutter/requests/R-1.yaml", requestText("R-1", "live"), 0o640);
    writeFileSync(folder.at("etc/cutter/execution/DISABLED"), "");
    prepareRun(folder.host, "R-1", now);
    expect(readdirSync(folder.at("run/cutter/live"))).toEqual([]);
    execFileSync("rm", [folder.at("etc/cutter/execution/DISABLED")]);
    prepareRun(folder.host, "R-1", now);
    expect(readdirSync(folder.at("run/cutter/live"))).toEqual(["R-1"]);
    expect(readdirSync(folder.at("run/cutter/armed"))).toEqual(["R-1.dryrun"]);
    expect(readFileSync(folder.at("run/cutter/live/R-1/started_at"), "utf8")).toBe(`${seconds(now)}\n`);
    expect(statSync(folder.at("run/cutter/live/R-1/started_at")).mode & 0o777).toBe(0o640);
  });

  test.each([
    ["has expired", "TOKEN_EXPIRED", () => JSON.stringify(toToken(new Date(now.getTime() - 3_600_000)))],
    ["is no token", "TOKEN_INVALID", () => "{}"],
    ["is another run's", "TOKEN_INVALID", () => JSON.stringify(toToken(now, { run_id: "R-2" }))],
  ])("a token that %s is removed, never live, and the result says %s", (_what, code, content) => {
    folder.write("etc/cutter/requests/R-1.yaml", requestText("R-1", "live"), 0o640);
    arm(content());
    expect(prepare("R-1")).toBe(code);
    expect([
      readdirSync(folder.at("run/cutter/armed")),
      readdirSync(folder.at("run/cutter/live")),
      existsSync(folder.at("run/cutter/cred/R-1")),
    ]).toEqual([[], [], false]);
    expect(readResult("R-1")).toMatchObject({ code, exit_code: 10, exit_kind: "not-started" });
  });
});

describe("a start that prepare-run refuses", () => {
  test("leaves the armed token that it never consumed, and no live one, not even an earlier start's", () => {
    folder.write("etc/cutter/requests/R-1.yaml", requestText("R-1", "live"), 0o640);
    mkdirSync(folder.at("run/cutter/armed/R-1"));
    mkdirSync(folder.at("run/cutter/live/R-1"));
    folder.write("opt/incomex/docker/.env", "", 0o600);
    expect(prepare("R-1")).toBe("ENV_NAME_MISSING");
    expect(readdirSync(folder.at("run/cutter/armed"))).toEqual(["R-1"]);
    expect(readdirSync(folder.at("run/cutter/live"))).toEqual([]);
  });

  test("tells what could not be removed, with the code of the refusal, in its result too", () => {
    execFileSync("rmdir", [folder.at("run/cutter/live")]);
    symlinkSync("live", folder.at("run/cutter/live"));
    expect(prepare()).toBe("LEFTOVERS_NOT_REMOVED");
    expect(readResult()).toMatchObject({ code: "LEFTOVERS_NOT_REMOVED", exit_code: 30, exit_kind: "not-started" });
    expect(readdirSync(folder.at("run/cutter/cred"))).toEqual([]);
  });
});

test("a dry run starts without the live token that an earlier start of its id left", () => {
  mkdirSync(folder.at("run/cutter/live/R-1.dryrun"));
  prepareRun(folder.host, "R-1.dryrun", now);
  expect(readdirSync(folder.at("run/cutter/live"))).toEqual([]);
});

describe("giving a run's folder to cutter", () => {
  const give = () =>
    codeOf(
      () => chownToCutter(folder.host, folder.at("var/lib/cutter/runs/R-1.dryrun"), "runs/R-1.dryrun"),
      "RUN_FOLDER_FOREIGN reason=in_the_way",
    );

  test("refuses what was put in its place meanwhile: a link, a file, somebody's folder; nothing behind it changes", () => {
    mkdirSync(folder.at("target"), { mode: 0o755 });
    symlinkSync(folder.at("target"), folder.at("var/lib/cutter/runs/R-1.dryrun"));
    expect(give()).toBe("RUN_FOLDER_FOREIGN reason=in_the_way");
    expect(statSync(folder.at("target")).mode & 0o777).toBe(0o755);
    execFileSync("rm", [folder.at("var/lib/cutter/runs/R-1.dryrun")]);
    writeFileSync(folder.at("var/lib/cutter/runs/R-1.dryrun"), "", { mode: 0o644 });
    expect(give()).toBe("RUN_FOLDER_FOREIGN reason=in_the_way");
    expect(statSync(folder.at("var/lib/cutter/runs/R-1.dryrun")).mode & 0o777).toBe(0o644);
    execFileSync("rm", [folder.at("var/lib/cutter/runs/R-1.dryrun")]);
    mkdirSync(folder.at("var/lib/cutter/runs/R-1.dryrun"));
    const stranger = {
      ...folder.host,
      ownerUid: folder.host.ownerUid + 1,
      cutter: { uid: folder.host.cutter.uid + 2, gid: folder.host.cutter.gid },
    };
    expect(
      codeOf(
        () => chownToCutter(stranger, folder.at("var/lib/cutter/runs/R-1.dryrun"), "runs/R-1.dryrun"),
        "RUN_FOLDER_FOREIGN reason=in_the_way",
      ),
    ).toBe("RUN_FOLDER_FOREIGN reason=in_the_way");
    expect(give()).toBe("nothing was refused");
  });
});

describe("finish-run", () => {
  const outcome = { exit_code: 0, code: null, result: "done", certificate: "pass", payload_sha: "ab", phase: null, waits_on: "SG_2" };
  const leaveOutcome = (value: unknown) => writeFileSync(folder.at("var/lib/cutter/runs/R-1.dryrun/outcome.json"), JSON.stringify(value));
  const end = "run/cutter-run/R-1.dryrun/end.json"; // its folder is systemd's, made for each start
  const tell = (value: unknown) => writeFileSync(folder.at(end), JSON.stringify(value));
  const finish = (exitKind: string, exitRaw: string, serviceResult: string) =>
    finishRun(folder.host, "R-1.dryrun", { exitKind, exitRaw, serviceResult });

  beforeEach(() => {
    prepareRun(folder.host, "R-1.dryrun", now);
    mkdirSync(folder.at("run/cutter-run/R-1.dryrun"), { recursive: true });
  });

  test("removes credentials and token and repeats what the orchestrator said", () => {
    mkdirSync(folder.at("run/cutter/live/R-1.dryrun"));
    tell(outcome);
    finish("exited", "0", "success");
    expect(readdirSync(folder.at("run/cutter/cred"))).toEqual([]);
    expect(readdirSync(folder.at("run/cutter/live"))).toEqual([]);
    expect(readResult()).toEqual({
      schema: "cutter.result/1",
      run_id: "R-1.dryrun",
      exit_code: 0,
      code: null,
      exit_kind: "exited",
      exit_raw: "0",
      service_result: "success",
      result: "done",
      phase: null,
      certificate: "pass",
      payload_sha: "ab",
      waits_on: "SG_2",
    });
  });

  test("an outcome of an earlier start does not speak for this one, not even where the exit code is the same", () => {
    leaveOutcome({ ...outcome, exit_code: 10, code: "ROWS_MOVED", result: "stopped", phase: "source_pin" });
    finish("exited", "10", "exit-code");
    expect(readResult()).toMatchObject({ exit_code: 10, code: null, result: null, phase: null, certificate: null, payload_sha: null });
  });

  test("what the start told counts only where systemd saw the same exit code", () => {
    tell(outcome);
    finish("exited", "11", "success");
    expect(readResult()).toMatchObject({ exit_code: 11, code: null, certificate: null, payload_sha: null });
  });

  test("a start that was refused tells its own reason, not an earlier start's", () => {
    leaveOutcome({ ...outcome, exit_code: 10, code: "ROWS_MOVED", result: "stopped" });
    tell({ exit_code: 10, code: "DOCUMENT_LOCKED", result: "stopped", phase: null, certificate: null, payload_sha: null });
    finish("exited", "10", "exit-code");
    expect(readResult()).toMatchObject({ exit_code: 10, code: "DOCUMENT_LOCKED", certificate: null });
  });

  test("writes the result even where token and credentials resist, then says what is left", () => {
    tell(outcome);
    for (const name of ["live", "cred"]) {
      execFileSync("rm", ["-r", folder.at(`run/cutter/${name}`)]);
      symlinkSync(name, folder.at(`run/cutter/${name}`));
    }
    let left: unknown = null;
    try {
      finish("exited", "0", "success");
    } catch (error) {
      left = error instanceof CutterError ? [error.code, error.facts["left"]] : error;
    }
    expect(left).toEqual(["LEFTOVERS_NOT_REMOVED", ["/run/cutter/live/R-1.dryrun", "/run/cutter/cred/R-1.dryrun"]]);
    expect(readResult()).toMatchObject({ exit_code: 0, result: "done", certificate: "pass" });
  });

  test("a token that resists does not keep the credentials", () => {
    execFileSync("rmdir", [folder.at("run/cutter/live")]);
    symlinkSync("live", folder.at("run/cutter/live"));
    expect(codeOf(() => finish("exited", "0", "success"))).toBe("LEFTOVERS_NOT_REMOVED");
    expect(readdirSync(folder.at("run/cutter/cred"))).toEqual([]);
  });

  test("a dry run that was killed wrote nothing; one whose mode cannot be read may have written", () => {
    finish("killed", "KILL", "signal");
    expect(readResult()).toMatchObject({ exit_code: 10, code: "RUN_KILLED", exit_raw: "KILL" });
    renameSync(folder.at("etc/cutter/requests/R-1.dryrun.yaml"), folder.at("etc/cutter/requests/gone"));
    finish("killed", "TERM", "timeout");
    expect(readResult()).toMatchObject({ exit_code: 20, code: "RUN_KILLED", service_result: "timeout" });
  });

  test("a status of systemd's own is told from the orchestrator's", () => {
    finish("exited", "243", "exit-code");
    expect(readResult()).toMatchObject({ exit_code: 10, code: "RUN_UNIT_NOT_SET_UP" });
  });

  test("what is told through a link or a pipe is not read", () => {
    writeFileSync(folder.at("told.json"), JSON.stringify(outcome));
    symlinkSync(folder.at("told.json"), folder.at(end));
    finish("exited", "0", "success");
    expect(readResult()).toMatchObject({ exit_code: 0, certificate: null });
    execFileSync("rm", [folder.at(end)]);
    execFileSync("mkfifo", [folder.at(end)]);
    finish("exited", "0", "success");
    expect(readResult()).toMatchObject({ exit_code: 0, certificate: null });
  });
});

describe("release-run", () => {
  test("takes token and credentials away and tells of a kill where nobody lived to write a result", () => {
    folder.write("etc/cutter/requests/R-1.yaml", requestText("R-1", "live"), 0o640);
    arm();
    expect(prepare("R-1")).toBe("nothing was refused");
    expect(existsSync(folder.at("run/cutter/live/R-1"))).toBe(true);
    cleanUpKilledRun(folder.host, "R-1");
    expect([existsSync(folder.at("run/cutter/live/R-1")), existsSync(folder.at("run/cutter/cred/R-1"))]).toEqual([false, false]);
    expect(readResult("R-1")).toMatchObject({ code: "RUN_KILLED", exit_code: 10, exit_kind: "killed" });
  });

  test("leaves the result that finish-run wrote", () => {
    prepareRun(folder.host, "R-1.dryrun", now);
    finishRun(folder.host, "R-1.dryrun", { exitKind: "exited", exitRaw: "0", serviceResult: "success" });
    const before = readResult();
    cleanUpKilledRun(folder.host, "R-1.dryrun");
    expect(readResult()).toEqual(before);
  });
});
