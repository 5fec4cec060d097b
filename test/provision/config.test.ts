// The stack config: what fits, what is refused, and that the host's file is made of it deterministically.
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { expect, it } from "vitest";
import { parse } from "yaml";
import { orchestratorConfigSchema } from "../../orchestrator/core/config-schema.ts";
import { CutterError } from "../../orchestrator/core/errors.ts";
import { parseStrictYaml } from "../../orchestrator/core/strict-yaml.ts";
import { renderOrchestratorConfig } from "../../provision/components/orchestrator-config.ts";
import { parseStackConfig } from "../../provision/config.ts";

const example = (stack: string): Record<string, unknown> => {
  const text = readFileSync(resolve(import.meta.dirname, `../../Pulumi.${stack}.example.yaml`), "utf8");
  return (parse(text) as { readonly config: Record<string, unknown> }).config;
};
/** As the engine hands it over: text, objects as JSON. */
const asEngine = (config: Record<string, unknown>) => Object.fromEntries(Object.entries(config).map(([key, value]) => [key, typeof value === "object" && value !== null ? JSON.stringify(value) : String(value)]));
const problemsOf = (config: Record<string, unknown>): readonly string[] => {
  try {
    parseStackConfig("sandbox", config);
    return [];
  } catch (error) {
    if (!(error instanceof CutterError) || error.code !== "STACK_CONFIG_INVALID") throw error;
    return error.facts["problems"] as readonly string[];
  }
};

it.each(["sandbox", "contabo"])("reads the %s example, from the file and from the engine alike", (stack) => {
  const fromFile = parseStackConfig(stack, example(stack));
  expect(parseStackConfig(stack, asEngine(example(stack)))).toEqual(fromFile);
  expect(fromFile.hosts).toHaveLength(1);
});

it.each([
  ["an unknown key", { "cutter-kit:force": true }, "cutter-kit:"],
  ["an unknown orchestrator key", { "orchestrator:executionEnabled": true }, "orchestrator:"],
  ["another user than root", { "cutter-kit:user": "admin" }, "cutter-kit:user"],
  ["a host key without type", { "cutter-kit:hostKey": "AAAA" }, "cutter-kit:hostKey"],
  ["no host key", { "cutter-kit:hostKey": undefined }, "cutter-kit:hostKey"],
  ["a relative path out", { "orchestrator:sidecar_root": "/var/lib/../etc" }, "orchestrator:sidecar_root"],
  ["another backup fingerprint in two places", { "orchestrator:backup_gpg_fpr": "A".repeat(40) }, "orchestrator:backup_gpg_fpr"],
  ["a list of hosts beside the single one", { "cutter-kit:hosts": [{ name: "a", host: "a", port: 22, user: "root", hostKey: "ssh-ed25519 AAAA", machineIdentity: "0".repeat(64) }] }, "cutter-kit: either"],
])("refuses %s, by the key's name", (_what, change, key) => {
  const problems = problemsOf({ ...example("sandbox"), ...change });
  expect(problems.length).toBeGreaterThan(0);
  expect(problems.every((problem) => problem.startsWith(key.split(":")[0] ?? ""))).toBe(true);
  expect(problems.join("\n")).toContain(key);
});

it("keeps a digest of digits as text", () => {
  const digits = "1".repeat(64);
  const config = parseStackConfig("sandbox", { ...asEngine(example("sandbox")), "orchestrator:expected_grant_matrix_sha": digits });
  expect(config.orchestrator.expected_grant_matrix_sha).toBe(digits);
});

it("renders orchestrator.yaml so that the orchestrator's strict reader gets the same values, and twice the same bytes", () => {
  const { orchestrator } = parseStackConfig("sandbox", example("sandbox"));
  const text = renderOrchestratorConfig(orchestrator);
  expect(parseStrictYaml(text, orchestratorConfigSchema, { code: "CONFIG_INVALID", file: "orchestrator.yaml" })).toEqual(orchestrator);
  const shuffled = Object.fromEntries(Object.entries(orchestrator).toReversed()) as typeof orchestrator;
  expect(renderOrchestratorConfig(shuffled)).toBe(text);
});
