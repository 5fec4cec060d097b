// The orchestrator.* keys as the survey shows them: which are set on the host, and to what. None of them is a secret.
import { orchestratorConfigSchema } from "../config-schema.ts";
import { readSurveyedConfig } from "../gaps/state.ts";
import type { HostFacts } from "../host/facts.ts";

export interface SurveyedKey {
  readonly key: string; // "orchestrator.sidecar_root"
  readonly value: string | null; // null: not configured
}

export function toSurveyedConfig(facts: HostFacts): readonly SurveyedKey[] {
  const config = readSurveyedConfig(facts);
  return Object.keys(orchestratorConfigSchema.shape).map((name) => ({
    key: `orchestrator.${name}`,
    value: config === null ? null : toText(Reflect.get(config, name)),
  }));
}

function toText(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  return typeof value === "string" ? value : JSON.stringify(value);
}
