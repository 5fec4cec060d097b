// What the outputs say of one host: its gaps, the state of the switch, and the proof. No timestamps: an `up` that changes nothing changes
// no output.
import { all, type Output } from "@pulumi/pulumi";
import { surveyHost, type HostSurvey } from "./declare.ts";
import type { HostTarget } from "./target.ts";

export interface HostReport {
  readonly name: string;
  readonly machineIdentity: string;
  readonly proof: string;
  /** "GAP-1" → "closed: what it is about": a line each, so that what an up did is not lost above them. */
  readonly gaps: Readonly<Record<string, string>>;
  /** A deploy leaves it false. */
  readonly executionEnabled: boolean;
}

/** Of a host that could not be asked: nothing is known, and nothing is claimed. */
export function toUnknownReport({ host }: HostTarget): HostReport {
  return {
    name: host.name,
    machineIdentity: host.machineIdentity,
    proof: "unknown: the host could not be asked",
    gaps: {},
    executionEnabled: false,
  };
}

/** The survey comes after the proof, so it sees the host as this `up` leaves it. */
export function toHostReport({ host, config }: HostTarget, proof: Output<string>): Output<HostReport> {
  return all([surveyHost(host, config.psql, proof), proof]).apply(([{ gaps, executionEnabled }, proven]) => ({
    name: host.name,
    machineIdentity: host.machineIdentity,
    proof: proven,
    gaps: toGapLines(gaps),
    executionEnabled,
  }));
}

function toGapLines(gaps: HostSurvey["gaps"]): HostReport["gaps"] {
  return Object.fromEntries(gaps.map(({ id, state, summary }) => [id, `${state}: ${summary}`]));
}
