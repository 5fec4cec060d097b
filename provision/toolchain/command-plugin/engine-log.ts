// Lines of a running command, shown by the engine beside the resource while it works.
import engineMessages from "@pulumi/pulumi/proto/engine_pb.js";
import { getEngine, resetOptions } from "@pulumi/pulumi/runtime/settings.js";

export interface EngineLog {
  /** Fire and forget: a display that fails must not fail the command. */
  info(urn: string, line: string): void;
}

/** The log of the engine at `engineAddress`; with an empty address lines go nowhere. */
export function connectEngineLog(engineAddress: string): EngineLog {
  resetOptions("", "", 1, engineAddress, "", false, "");
  const engine = getEngine();
  return {
    info(urn, line) {
      const request = new engineMessages.LogRequest();
      request.setSeverity(engineMessages.LogSeverity.INFO);
      request.setMessage(line);
      request.setUrn(urn);
      request.setEphemeral(true);
      engine?.log(request, () => undefined);
    },
  };
}
