// That nothing is armed, live or unfinished: an armed token is drift like any other, seen by preview and removed by up. The guard does the removing, before any change.
import { z } from "zod";
import { readExecution } from "./support/execution.ts";
import { baseFields, observed } from "../kind/fields.ts";
import { defineKind } from "../kind/define.ts";

export const executionOffKind = defineKind({
  type: "ExecutionOff",
  schema: z.strictObject({ ...baseFields, armed: observed.default(""), live: observed.default(""), unfinished: observed.default("") }),
  replaceOn: [],
  compared: ["armed", "live", "unfinished"],
  claimOf: () => "execution:off",
  foreignCode: "FOREIGN_FILE",
  adoptsEqual: true,
  read: async (host, inputs) => {
    const { armed, live, unfinishedRuns } = await readExecution(host);
    return { state: "present", inputs: { ...inputs, armed: armed.join(" "), live: live.join(" "), unfinished: unfinishedRuns.join(" ") } };
  },
  write: async () => undefined,
  remove: () => null,
});
