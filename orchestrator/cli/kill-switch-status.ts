// cutter kill-switch status: off, armed, live or disabled.
import { buildCommand } from "@stricli/core";
import { readKillSwitch } from "../kill-switch.ts";
import type { SwitchState } from "../ports/run-ports.ts";
import type { CutterContext } from "./context.ts";
import { commonFlags, print, type CommonFlags } from "./flags.ts";

export const killSwitchStatusCommand = buildCommand<CommonFlags, [], CutterContext>({
  docs: { brief: "Say whether execution is off, armed, live or disabled" },
  parameters: { flags: commonFlags },
  func: async function (this: CutterContext, flags) {
    const found = await readKillSwitch(this.services.files, this.services.paths, this.services.clock.now());
    print(this, flags, toSwitchJson(found), [toSwitchLine(found)]);
  },
});

export function toSwitchJson(found: SwitchState): {
  readonly schema: "cutter.kill-switch/1";
  readonly state: string;
  readonly run_id: string | null;
  readonly until: string | null;
  readonly since: string | null;
  readonly why: string | null;
} {
  const runId = found.state === "armed" || found.state === "live" ? found.runId : null;
  return {
    schema: "cutter.kill-switch/1",
    state: found.state,
    run_id: runId,
    until: found.state === "armed" ? found.until : null,
    since: found.state === "live" ? found.since : null,
    why: found.state === "disabled" ? found.why : null,
  };
}

function toSwitchLine(found: SwitchState): string {
  switch (found.state) {
    case "off":
      return "off";
    case "disabled":
      return found.why === "the latch is set" ? "disabled by latch" : `disabled by latch: ${found.why}`;
    case "armed":
      return `armed ${found.runId} until ${found.until ?? "unknown"}`;
    case "live":
      return `LIVE ${found.runId} since ${found.since ?? "unknown"}`;
  }
}
