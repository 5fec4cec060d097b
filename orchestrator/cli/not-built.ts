// Commands of the contract that a later release delivers: they stand in the help, and refuse by code.
import { buildCommand } from "@stricli/core";
import { CutterError } from "../core/errors.ts";
import type { CutterContext } from "./context.ts";

/** Takes any positional words; @throws COMMAND_NOT_BUILT when run */
export function notBuilt(name: string, brief: string) {
  return buildCommand<NotBuiltFlags, string[], CutterContext>({
    docs: { brief: `${brief} (not in this release)` },
    parameters: {
      flags: {
        json: { kind: "boolean", brief: "Print one JSON object instead of text", default: false, withNegated: false },
        verbose: { kind: "boolean", brief: "Print the stack of an error", default: false, withNegated: false },
        "run-id": { kind: "parsed", parse: String, brief: "Run id", optional: true, placeholder: "R" },
        gate: { kind: "parsed", parse: String, brief: "Gate", optional: true, placeholder: "GATE" },
        approval: { kind: "parsed", parse: String, brief: "Approval document", optional: true, placeholder: "FILE" },
        signature: { kind: "parsed", parse: String, brief: "Detached signature", optional: true, variadic: true, placeholder: "FILE" },
        "sovereign-key": { kind: "parsed", parse: String, brief: "Public key to trust", optional: true, placeholder: "FILE" },
        render: { kind: "boolean", brief: "Print the SQL and its sha256", default: false, withNegated: false },
      },
      positional: { kind: "array", parameter: { brief: "Documents", parse: String, placeholder: "FILE" } },
    },
    func: () => {
      throw new CutterError("COMMAND_NOT_BUILT", { command: name });
    },
  });
}

interface NotBuiltFlags {
  readonly json: boolean;
  readonly verbose: boolean;
  readonly "run-id"?: string;
  readonly gate?: string;
  readonly approval?: string;
  readonly signature?: readonly string[];
  readonly "sovereign-key"?: string;
  readonly render: boolean;
}
