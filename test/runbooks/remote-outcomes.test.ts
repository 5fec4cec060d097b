// What a runbook makes of a host that says something else than hoped for, or nothing any more.
import { describe, expect, it } from "vitest";
import { parseRunId } from "../../orchestrator/core/run-id.ts";
import type { CommandOutcome, RemoteHost } from "../../provision/host/connection.ts";
import { proveArmed } from "../../runbooks/prove-armed.ts";
import { toRequired } from "../../runbooks/script.ts";
import { startableUnits, startUnitAndWait } from "../../runbooks/start-unit.ts";
import { localAddress } from "../support/hosts/local-host.ts";

const runId = parseRunId("R-1", { allowDryRunSuffix: false });
const toHost = (answer: (script: string) => Partial<CommandOutcome>): RemoteHost => ({
  address: localAddress,
  isOpen: () => true,
  run: (script) => Promise.resolve({ code: 0, stdout: "", stderr: "", ...answer(script) }),
  close: () => undefined,
});

describe("enable", () => {
  const says = (state: string, run: string | null) => toHost(() => ({ stdout: JSON.stringify({ state, run_id: run }) }));

  it("is proven by the host's own word that this run is armed", async () => {
    await expect(proveArmed(says("armed", "R-1"), runId)).resolves.toBeUndefined();
  });

  it.each([
    ["off", null],
    ["armed", "R-2"],
    ["live", "R-1"],
  ])("is not proven by a host that says %s %s", async (state, run) => {
    await expect(proveArmed(says(state, run), runId)).rejects.toMatchObject({
      code: "ENABLE_NOT_PROVEN",
      facts: { run_id: "R-1", state, found: run },
    });
  });
});

describe("a start whose end was not seen", () => {
  const broken = toHost((script) => (script.startsWith("date") ? { stdout: "1760000000\n" } : { code: null }));
  const silent = toHost((script) => (script.startsWith("cat") ? { code: 1 } : { stdout: "1760000000\n" }));

  it.each([
    ["a run whose line broke", startableUnits.run, broken, "RUN_OUTCOME_UNKNOWN"],
    ["a run of which the host says nothing yet", startableUnits.run, silent, "RUN_OUTCOME_UNKNOWN"],
    ["a revert whose line broke", startableUnits.revert, broken, "REVERT_OUTCOME_UNKNOWN"],
  ])("is unknown, never done: %s", async (_what, unit, host, code) => {
    await expect(startUnitAndWait(host, runId, 1000, () => undefined, unit)).rejects.toMatchObject({ code, exitCode: 30 });
  });
});

it("an option that is missing or empty is named", () => {
  for (const value of [undefined, ""])
    expect(() => toRequired(value, "--run-id")).toThrow(
      expect.objectContaining({ code: "USAGE_INVALID", facts: { reason: "argument_missing", option: "--run-id" } }),
    );
});
