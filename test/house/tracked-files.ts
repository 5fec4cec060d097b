// The files of the repository, tracked or about to be, with their text: what the house's rules are held against.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";

export interface TrackedFile {
  readonly path: string;
  readonly text: string;
  readonly lines: readonly string[];
}

export const checkout = resolve(import.meta.dirname, "../..");

/** Everything git tracks or would add, less generated texts (lockfile, go.sum). */
export function readTrackedFiles(): TrackedFile[] {
  const listed = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], { cwd: checkout, encoding: "utf8" });
  const paths = [...new Set(listed.split("\0"))].filter(
    (path) => path !== "" && !/(^|\/)(package-lock\.json|go\.(sum|mod))$/.test(path) && existsSync(resolve(checkout, path)),
  );
  return paths.map((path) => {
    const text = readFileSync(resolve(checkout, path), "utf8");
    return { path, text, lines: text.split("\n") };
  });
}

/** `path:line` of every line that matches; an empty list is what a rule wants. */
export function findLines(files: readonly TrackedFile[], pattern: RegExp): string[] {
  return files.flatMap(({ path, lines }) =>
    lines.flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1}: ${line.trim().slice(0, 100)}`] : [])),
  );
}
