// A table of trials: each row tried on the running sandbox, what was seen, how long it took. The same rows serve an npm script (all) and
// the e2e tests (some).
export interface Trial {
  readonly name: string;
  /** What was seen, in a few words. @throws when it is not as promised */
  readonly run: () => Promise<string>;
}

/**
 * Runs the rows one after the other and prints each as it ends; a failed row does not stop the others. Exit code 1 when one failed, 2
 * when `words` names none.
 */
export async function runTrials(title: string, trials: readonly Trial[], words: readonly string[]): Promise<void> {
  const chosen = words.length === 0 ? trials : trials.filter(({ name }) => words.some((word) => name.includes(word)));
  if (chosen.length === 0) {
    console.error(`[ERR]  no row is named ${words.join(", ")}; there are:\n${trials.map(({ name }) => `       ${name}`).join("\n")}`);
    process.exitCode = 2;
    return;
  }
  const width = Math.max(...chosen.map(({ name }) => name.length));
  console.log(`── ${title}: ${chosen.length} rows`);
  const failures: string[] = [];
  const startedMs = performance.now();
  for (const { name, run } of chosen) {
    const rowMs = performance.now();
    const print = (mark: string, seen: string) => console.log(`${mark} ${name.padEnd(width)}  ${toSeconds(rowMs)}  ${seen}`);
    try {
      print("[OK]  ", await run());
    } catch (error) {
      failures.push(name);
      print("[ERR] ", error instanceof Error ? error.message : String(error));
    }
  }
  console.log(
    `${failures.length === 0 ? "[OK]  " : "[ERR] "} ${chosen.length - failures.length} as promised, ${failures.length} not${failures.length === 0 ? "" : `: ${failures.join(", ")}`}  (${toSeconds(startedMs).trim()})`,
  );
  process.exitCode = failures.length === 0 ? 0 : 1;
}

function toSeconds(sinceMs: number): string {
  return `${((performance.now() - sinceMs) / 1000).toFixed(1)} s`.padStart(8);
}
