// Lines of more than 140 columns: the formatter breaks code, people break comments and sentences. What neither can break stays listed.
import type { TrackedFile } from "./tracked-files.ts";

const columnsMax = 140;

/** `path` and how many of its lines are too long. A row of a Markdown table cannot be broken, so it is not counted. */
export function countLongLines(files: readonly Pick<TrackedFile, "path" | "lines">[]): ReadonlyMap<string, number> {
  const counts = files.map(({ path, lines }) => {
    const isRow = (line: string): boolean => path.endsWith(".md") && /^\s*\|/.test(line);
    return [path, lines.filter((line) => line.length > columnsMax && !isRow(line)).length] as const;
  });
  return new Map(counts.filter(([, count]) => count > 0));
}

/** What the list of exceptions has to say otherwise: too many lines in a file, or an exception that is larger than it need be. */
export function toFindings(counts: ReadonlyMap<string, number>, allowed: Readonly<Record<string, number>>): readonly string[] {
  return [...new Set([...counts.keys(), ...Object.keys(allowed)])].toSorted().flatMap((path) => {
    const [count, limit] = [counts.get(path) ?? 0, allowed[path] ?? 0];
    if (count === limit) return [];
    return [
      count > limit
        ? `${path}: ${String(count)} lines of more than 140 columns, allowed are ${String(limit)}`
        : `${path}: say ${String(count)} in the list`,
    ];
  });
}
