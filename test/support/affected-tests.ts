// Which unit test files a change can reach, nearest first: a test that imports what changed is nearer than one that reaches it through
// others.
import { readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { checkout } from "./test-steps.ts";

export interface AffectedTest {
  readonly file: string; // relative to the checkout
  readonly steps: number; // imports between it and what changed; 0: it changed itself
}

const isScript = (path: string): boolean => /\.(ts|mts|mjs|cjs)$/.test(path);
const isUnitTest = (path: string): boolean => /^test\/.*\.test\.ts$/.test(path);

/** These hold rules over all files, so every change reaches them. The layers are a step of the check anyway. */
export function findHouseRules(tracked: readonly string[]): readonly AffectedTest[] {
  return tracked.filter((path) => /^test\/house\/(?!layers\.).*\.test\.ts$/.test(path)).map((file) => ({ file, steps: 0 }));
}

/**
 * `tracked` are all files of the checkout, `changed` some of them or files that are gone. A file that is read, not imported (SQL, shell, a
 * page), reaches whoever names it.
 */
export function findAffectedTests(tracked: readonly string[], changed: readonly string[]): readonly AffectedTest[] {
  const scripts = tracked.filter(isScript);
  const texts = new Map(scripts.map((path) => [path, readFileSync(join(checkout, path), "utf8")]));
  const importers = toImporters(texts);
  const steps = new Map<string, number>();
  let near = new Set<string>();
  for (const file of changed) {
    if (texts.has(file)) near.add(file);
    if (importers.has(file) || isUnitTest(file)) continue;
    // Read or started, not imported: by those who name it, else by those who name its folder.
    const names = [posix.basename(file), posix.basename(posix.dirname(file))];
    const readers = names.map((name) => [...texts].filter(([path, text]) => path !== file && text.includes(name)).map(([path]) => path));
    for (const path of readers.find((found) => found.length > 0) ?? []) near.add(path);
  }
  for (let distance = 0; near.size > 0; distance += 1) {
    const next = new Set<string>();
    for (const path of near) steps.set(path, distance);
    for (const path of near) for (const importer of importers.get(path) ?? []) if (!steps.has(importer)) next.add(importer);
    near = next;
  }
  return [...steps]
    .filter(([file]) => isUnitTest(file))
    .map(([file, distance]) => ({ file, steps: distance }))
    .toSorted((a, b) => a.steps - b.steps || (a.file < b.file ? -1 : 1));
}

/** Who imports a file, types included. */
function toImporters(texts: ReadonlyMap<string, string>): ReadonlyMap<string, readonly string[]> {
  const importers = new Map<string, string[]>();
  for (const [path, text] of texts)
    for (const [, target = ""] of text.matchAll(/(?:\bfrom|\bimport|\bimport\()\s*"(\.[^"]*)"/g)) {
      const file = posix.join(posix.dirname(path), target);
      importers.set(file, [...(importers.get(file) ?? []), path]);
    }
  return importers;
}
