// Before set-up, and in a checkout of any name: each command says what is missing. A clone is the same to the byte whatever git is told.
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { toErrorLine } from "../../../orchestrator/core/errors.ts";
import { thisCheckout } from "../../../provision/toolchain/bootstrap/layout.mjs";
import { readTrackedFiles } from "../../house/tracked-files.ts";

let parent: string;
let copy: string;

beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), "start-"));
  copy = join(parent, "it's a (checkout) #1 $HOME %41");
});
afterEach(() => rmSync(parent, { recursive: true }));

const take = (...paths: readonly string[]) => {
  for (const path of paths) {
    mkdirSync(dirname(join(copy, path)), { recursive: true });
    copyFileSync(join(thisCheckout, path), join(copy, path));
  }
};
const start = "provision/toolchain/start";
const runbooks = ["enable", "emergency-revert", "prepare", "restore-proof", "start-run", "survey"];
const run = (command: string, args: readonly string[], environment: Readonly<Record<string, string>> = {}) => {
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd: parent,
    env: { PATH: "/usr/bin:/bin", ...environment },
    encoding: "utf8",
  });
  return { status, stdout, stderr };
};

describe("before anything is installed", () => {
  const refusal = (missing: string) => ({
    status: 78,
    stdout: "",
    stderr: `[ERR] ${toErrorLine("TOOLCHAIN_MISSING", { missing })}\n`,
  });

  it("every runbook ends with one line that says what to do", () => {
    take(start, ...runbooks.map((name) => `runbooks/${name}`));
    for (const name of runbooks) expect(run(join(copy, "runbooks", name), [])).toEqual(refusal("node_modules/.bin/node"));
  });

  it("what npm broke off is not taken for installed", () => {
    take(start, "runbooks/survey");
    mkdirSync(join(copy, "node_modules/.bin"), { recursive: true });
    symlinkSync(process.execPath, join(copy, "node_modules/.bin/node"));
    expect(run(join(copy, "runbooks/survey"), [])).toEqual(refusal("node_modules/.package-lock.json"));
  });

  it("every script of package.json that is a program of ours goes that way", () => {
    const { scripts } = JSON.parse(readFileSync(join(thisCheckout, "package.json"), "utf8")) as { scripts: Record<string, string> };
    const direct = Object.entries(scripts).filter(([, command]) =>
      /(^|&& )(\S*\/)?node (?!provision\/toolchain\/bootstrap\.mjs)/.test(command),
    );
    expect(direct).toEqual([]);
  });
});

describe("once it is installed", () => {
  beforeEach(() => {
    take(start, "runbooks/survey");
    mkdirSync(join(copy, "node_modules/.bin"), { recursive: true });
    writeFileSync(join(copy, "node_modules/.package-lock.json"), "{}");
    symlinkSync(process.execPath, join(copy, "node_modules/.bin/node"));
    writeFileSync(join(copy, "runbooks/survey.ts"), "console.log(JSON.stringify([process.cwd(), ...process.argv.slice(2)]));\n");
  });

  it.each([
    ["by its path", () => join(copy, "runbooks/survey"), {}],
    ["through a link to it", () => (symlinkSync(join(copy, "runbooks/survey"), join(parent, "survey")), "./survey"), {}],
    ["through a link to the checkout", () => (symlinkSync(copy, join(parent, "link")), "link/runbooks/survey"), {}],
    ["where CDPATH would lead elsewhere", () => (symlinkSync(copy, join(parent, "link")), "link/runbooks/survey"), { CDPATH: "/" }],
  ])("a runbook runs %s, in the folder it was called from, with its words whole", (_way, toCommand, environment) => {
    const words = ["two words", "it's", ""];
    expect(run(toCommand(), words, environment)).toEqual({ status: 0, stdout: `${JSON.stringify([parent, ...words])}\n`, stderr: "" });
  });
});

it("a clone by a git that converts line ends is the same to the byte", () => {
  const source = join(parent, "source");
  const git = (folder: string, ...args: readonly string[]) => {
    const { status, stderr } = run("git", [
      "-C",
      folder,
      "-c",
      "user.name=t",
      "-c",
      "user.email=t@t.test",
      "-c",
      "commit.gpgsign=false",
      ...args,
    ]);
    expect(stderr.replaceAll(/^(Cloning|done).*$/gm, "").trim()).toBe("");
    expect(status).toBe(0);
  };
  const files = readTrackedFiles().flatMap(({ path }) => (path.startsWith("test/") ? [] : [path]));
  expect(files).toContain(start);
  for (const path of files) {
    mkdirSync(dirname(join(source, path)), { recursive: true });
    copyFileSync(join(thisCheckout, path), join(source, path));
  }
  git(parent, "init", "--quiet", source);
  git(source, "add", "--force", ".");
  git(source, "commit", "--quiet", "--message", "all");
  git(parent, "-c", "core.autocrlf=true", "clone", "--quiet", source, join(parent, "clone"));
  const different = files.filter((path) => !readFileSync(join(parent, "clone", path)).equals(readFileSync(join(source, path))));
  expect(different).toEqual([]);
});
