// GAP-5 and GAP-6: the configuration, the folders of the state, and the rollback runbook.
import { orchestratorConfigSchema, type OrchestratorConfig } from "../config-schema.ts";
import { CutterError } from "../errors.ts";
import { checkContent, checkPath, type GapEvidence, type WantedPath } from "./evidence.ts";
import type { HostFacts } from "../host/facts.ts";
import { cutterUser, hostLayout } from "../host/layout.ts";
import { parseStrictYaml } from "../encoding/strict-yaml.ts";

/** Null when it is absent or does not fit its schema: then GAP-5 says why. */
export function readSurveyedConfig(facts: HostFacts): OrchestratorConfig | null {
  try {
    return facts.config === null ? null : parseConfig(facts.config);
  } catch (error) {
    if (error instanceof CutterError) return null;
    throw error;
  }
}

/** The configuration fits its schema and is what the kit wrote; every folder stands with its mode and owner; the user exists. */
export function evaluateGap5(facts: HostFacts): readonly GapEvidence[] {
  const user: GapEvidence =
    facts.user.startsWith(`${cutterUser}:`) && facts.group === cutterUser
      ? { ok: true, text: `user and group ${cutterUser} exist` }
      : { ok: false, text: `user or group ${cutterUser} is missing` };
  return [
    ...checkConfig(facts),
    checkPath(facts, { path: hostLayout.config, kind: "file", mode: "640", owner: "root", group: cutterUser }),
    ...(facts.config === null ? [] : [checkContent(facts, hostLayout.config)]),
    user,
    ...toStateFolders(readSurveyedConfig(facts)).map((wanted) => checkPath(facts, wanted)),
  ];
}

/** On the host and as the kit wrote it: the stack pins it by sha256. Whether it is ratified is a ruling's to say. */
export function evaluateGap6(facts: HostFacts): readonly GapEvidence[] {
  return [checkContent(facts, hostLayout.rollbackRunbook)];
}

function checkConfig(facts: HostFacts): readonly GapEvidence[] {
  if (facts.config === null) return [{ ok: false, text: "no orchestrator.* key is configured" }];
  try {
    const keys = Object.keys(parseConfig(facts.config));
    return [{ ok: true, text: `orchestrator.yaml fits its schema (${keys.length} keys)` }];
  } catch (error) {
    if (!(error instanceof CutterError)) throw error;
    return [
      {
        ok: false,
        text: `orchestrator.yaml does not fit its schema: ${Object.entries(error.facts)
          .map(([name, value]) => `${name}=${String(value)}`)
          .join(" ")}`,
      },
    ];
  }
}

function parseConfig(text: string): OrchestratorConfig {
  return parseStrictYaml(text, orchestratorConfigSchema, { code: "CONFIG_INVALID", file: hostLayout.config });
}

const folder = (path: string, mode: string, owner: string, group: string): WantedPath => ({ path, kind: "folder", mode, owner, group });

/** Those of the contract's host layout whose owner and mode it names; where the configuration moves one, it counts there. */
function toStateFolders(config: OrchestratorConfig | null): readonly WantedPath[] {
  return [
    folder(config?.sidecar_root ?? hostLayout.runs, "700", cutterUser, cutterUser),
    folder(config?.batch_dir ?? hostLayout.batches, "700", cutterUser, cutterUser),
    folder(config?.global_locks_dir ?? hostLayout.locks, "700", cutterUser, cutterUser),
    folder(hostLayout.ledger, "700", "root", "root"),
  ];
}
