// A permission as the engine makes them, for tests of what needs one: it remembers the transactions it was told of, and can refuse.
import type { WritePermission } from "../../orchestrator/ports/permission.ts";

export interface TestPermission {
  readonly permission: WritePermission;
  readonly transactionIds: string[];
}

/** `beforeCommit` runs after the transaction id is remembered: throw in it to refuse, or break something. */
export function makePermission(
  runId: string,
  step: WritePermission["step"],
  beforeCommit: (transactionId: string) => Promise<void> = () => Promise.resolve(),
): TestPermission {
  const transactionIds: string[] = [];
  const permission = {
    runId,
    step,
    beforeCommit: async (transactionId: string) => {
      transactionIds.push(transactionId);
      await beforeCommit(transactionId);
    },
  } as unknown as WritePermission;
  return { permission, transactionIds };
}
