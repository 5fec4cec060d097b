// Something held for the length of a piece of work: a lock, a journal, a line to the database.
import type { Reporter } from "../../ports/reporter.ts";

/**
 * Gives back what is held, whatever the work came to. A failure to do so is warned about, never put in the place of the work's own end:
 * what is left behind goes with the process.
 */
export async function withResource<T>(
  { reporter }: { readonly reporter: Reporter },
  resource: { release(): Promise<void> },
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } finally {
    await resource.release().catch((error: unknown) =>
      reporter.report({
        kind: "warning",
        code: "LOCK_NOT_RELEASED",
        text: `not released cleanly: ${error instanceof Error ? error.message : "unknown"}`,
      }),
    );
  }
}
