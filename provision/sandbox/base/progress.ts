// What a person sees while the sandbox is made: one line when a long step starts, one when it is done, with its time.

/** Receives finished lines; the process edge prints them. */
export type Say = (line: string) => void;

/** Runs one step and says how long it took; a step that fails is said too, and its error goes on to the caller. */
export async function timed<Result>(
  say: Say,
  title: string,
  step: () => Promise<Result>,
  options: { readonly announce?: string } = {},
): Promise<Result> {
  const startedMs = performance.now();
  if (options.announce !== undefined) say(`[INFO] ${options.announce}`);
  try {
    const result = await step();
    say(`[OK]   ${title} (${toSeconds(performance.now() - startedMs)})`);
    return result;
  } catch (error) {
    say(`[ERR]  ${title}: failed after ${toSeconds(performance.now() - startedMs)}`);
    throw error;
  }
}

/** "2.4 s" below 10 seconds, "37 s" above. */
export function toSeconds(elapsedMs: number): string {
  const seconds = elapsedMs / 1000;
  return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
}

/** Asks again until the answer is yes. `limitMs` bounds the wait. Returns false when the time is up. */
export async function pollUntil(limitMs: number, intervalMs: number, ready: () => Promise<boolean>): Promise<boolean> {
  const endMs = performance.now() + limitMs;
  for (;;) {
    if (await ready()) return true;
    if (performance.now() + intervalMs > endMs) return false;
    await new Promise((wake) => setTimeout(wake, intervalMs));
  }
}
