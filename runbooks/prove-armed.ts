// The proof behind enable's last line: the host itself says which run is armed.
import { z } from "zod";
import { CutterError } from "../orchestrator/core/errors.ts";
import type { RunId } from "../orchestrator/core/run-id.ts";
import type { RemoteHost } from "../provision/host/connection.ts";
import { mustRunOnHost } from "./remote-step.ts";

/** What the host says of itself counts, not what we asked for. @throws ENABLE_NOT_PROVEN */
export async function proveArmed(host: RemoteHost, runId: RunId): Promise<void> {
  const said = await mustRunOnHost(host, "kill-switch status", "exec cutter kill-switch status --json", []);
  const state = z.looseObject({ state: z.string(), run_id: z.string().nullable() }).parse(JSON.parse(said));
  if (state.state !== "armed" || state.run_id !== runId)
    throw new CutterError("ENABLE_NOT_PROVEN", { run_id: runId, state: state.state, found: state.run_id });
}
