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
  const line = ["main", "origin/main"].find((name) => name !== branch && isCommit(name));
  const base = line === undefined ? "HEAD" : git("merge-base", "HEAD", line);
  // A renamed file changes whoever reads it under its old name, so both names count.
  const changed = git("diff", "--name-only", "--no-renames", "-z", base);
  const unknown = git("ls-files", "--others", "--exclude-standard", "-z");
  const files = [...new Set(`${changed}\0${unknown}`.split("\0"))].filter((file) => file !== "");
  const since =
    line === undefined ? "HEAD alone: there is no other main line, so no commit counts as a change" : `HEAD and where it left ${line}`;
  return { since, files: files.toSorted() };
}

function isCommit(name: string): boolean {
  return spawnSync("git", ["rev-parse", "--verify", "--quiet", name], { cwd: checkout, stdio: "ignore" }).status === 0;
}

/** Its output without the last line end. An answer that git did not give must not read as "nothing changed". */
function git(...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync("git", args, { cwd: checkout, encoding: "utf8", maxBuffer: 64 * 1024 * 1024 });
  if (status !== 0) throw new Error(`git ${args.join(" ")} failed: ${stderr.trim()}`);
  return stdout.trim();
}

/** All files of the checkout that git knows or would add, without those that are gone. */
export function readTracked(): readonly string[] {
  return git("ls-files", "--cached", "--others", "--exclude-standard", "-z")
    .split("\0")
    .filter((file) => file !== "" && existsSync(join(checkout, file)));
}
