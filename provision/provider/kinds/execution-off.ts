// That nothing is armed, live or unfinished: an armed token is drift like any other, seen by preview and removed by up. The guard does the
// removing, before any change.
import { z } from "zod";
import { executionOffClaim, readExecution } from "./support/execution.ts";
import { resourceArgs } from "../../resource-args.ts";
import { defineKind } from "../kind/define.ts";

/** Names a reading found; wanted: none. */
const found = z.string().default("");

export const executionOffKind = defineKind({
  type: "ExecutionOff",
  schema: resourceArgs.ExecutionOff.extend({ armed: found, live: found, unfinished: found }),
  claimOf: () => executionOffClaim,
  foreignCode: "FOREIGN_FILE",
  adoptsEqual: true,
  read: async (host, inputs) => {
    const { armed, live, unfinishedRuns } = await readExecution(host);
    return { state: "present", inputs: { ...inputs, armed: armed.join(" "), live: live.join(" "), unfinished: unfinishedRuns.join(" ") } };
  },
  write: async () => undefined,
  remove: () => null,
});
