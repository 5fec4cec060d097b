// The facts from which the gap rules judge a host: one read-only script, run over the connection that is open already.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { CutterError } from "../../orchestrator/core/errors.ts";
import { findCheckout } from "../host/checkout.ts";
import type { RemoteHost } from "../host/connection.ts";

const factsTimeoutMs = 60_000;

/** The script's output, as text. @throws HOST_COMMAND_FAILED, HOST_OUTCOME_UNKNOWN */
export async function readHostFacts(host: RemoteHost): Promise<string> {
  const script = readFileSync(join(findCheckout(), "orchestrator/root/host-facts.sh"), "utf8");
  const outcome = await host.run(script, [], { timeoutMs: factsTimeoutMs });
  if (outcome.code === 0) return outcome.stdout;
  throw new CutterError(outcome.code === null ? "HOST_OUTCOME_UNKNOWN" : "HOST_COMMAND_FAILED", { host: host.address.name, reading: "host facts", stderr: outcome.stderr.slice(0, 500) });
}
