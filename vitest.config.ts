// Three kinds of tests: unit (offline, no sandbox), e2e (against the running sandbox, one after the other), and prove: the long tables
// and slow rows of e2e.
import { join } from "node:path";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/**
 * e2e files tell one story on one host (before up, up, dry run, …): they run in the order of their names, and so do those of prove. Unit
 * files keep vitest's order.
 */
class StorySequencer extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isOnHost = ({ project }: TestSpecification): boolean => project.name !== "unit";
    const story = files.filter(isOnHost).toSorted((a, b) => (a.moduleId < b.moduleId ? -1 : 1));
    return [...(await super.sort(files.filter((file) => !isOnHost(file)))), ...story];
  }
}

/**
 * Each test file is a process of its own, and some start programs: what Node compiled once is read again. Tests hand it to children they
 * give an own environment.
 */
process.env["NODE_COMPILE_CACHE"] ??= join(import.meta.dirname, ".build/compile-cache");

/** One host, one state: never side by side. */
const onHost = {
  pool: "forks",
  maxWorkers: 1,
  fileParallelism: false,
  testTimeout: 300_000,
  hookTimeout: 300_000,
  globalSetup: "test/support/forget-ready-host.ts",
} as const;

export default defineConfig({
  test: {
    sequence: { sequencer: StorySequencer },
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/**/*.test.ts"],
          globalSetup: ["test/support/database/leases.ts"],
          pool: "forks",
          maxWorkers: 3, // on two cores: files also wait for the programs they start
          expect: { poll: { timeout: 20_000 } }, // for programs beside the test, on a machine that has other work too
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
      { test: { name: "e2e", include: ["test/e2e/*.e2e.ts"], ...onHost } },
      { test: { name: "prove", include: ["test/e2e/*.prove.ts"], ...onHost } },
    ],
  },
});
