// What a person has changed: files that differ from the last commit of the main line, committed or not, and files git does not know yet.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { checkout } from "./test-steps.ts";

export interface Changes {
  readonly since: string; // for people: what was compared with
  readonly files: readonly string[]; // relative to the checkout, sorted; those that are gone too
}

/** On the branch main itself: since origin/main, where there is one. Without any main line: since HEAD. */
export function readChanges(): Changes {
  const branch = git("rev-parse", "--abbrev-ref", "HEAD");
  const line = ["main", "origin/main"].find((name) => name !== branch && git("rev-parse", "--verify", "--quiet", name) !== "");
  const base = line === undefined ? "" : git("merge-base", "HEAD", line);
  const changed = git("diff", "--name-only", base === "" ? "HEAD" : base);
  const unknown = git("ls-files", "--others", "--exclude-standard");
  const files = [...new Set(`${changed}\n${unknown}`.split("\n"))].filter((file) => file !== "");
  return { since: line === undefined || base === "" ? "HEAD" : `HEAD and where it left ${line}`, files: files.toSorted() };
}

/** Its output without the last line end; empty when git fails. */
function git(...args: readonly string[]): string {
  const { status, stdout } = spawnSync("git", args, { cwd: checkout, encoding: "utf8", maxBuffer: 64 * 1024 * 1024 });
  return status === 0 ? stdout.trim() : "";
}

/** All files of the checkout that git knows or would add, without those that are gone. */
export function readTracked(): readonly string[] {
  return git("ls-files", "--cached", "--others", "--exclude-standard")
    .split("\n")
    .filter((file) => existsSync(join(checkout, file)));
}
