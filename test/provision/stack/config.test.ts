// The stack config: what fits, what is refused, and that the host's file is made of it deterministically.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { expect, it } from "vitest";
import { parse } from "yaml";
import { orchestratorConfigSchema } from "../../../orchestrator/core/config-schema.ts";
import { CutterError } from "../../../orchestrator/core/errors.ts";
import { parseStrictYaml } from "../../../orchestrator/core/encoding/strict-yaml.ts";
import { renderOrchestratorConfig } from "../../../provision/components/orchestrator-config.ts";
import { parseStackConfig, configPlaceholder } from "../../../provision/stack/config.ts";
import { runPulumi } from "../../../provision/toolchain/pulumi/run.ts";

const example = (stack: string): Record<string, unknown> => {
  const text = readFileSync(resolve(import.meta.dirname, `../../../Pulumi.${stack}.example.yaml`), "utf8");
  return (parse(text) as { readonly config: Record<string, unknown> }).config;
};
/** As the engine hands it over: text, objects as JSON. */
const asEngine = (config: Record<string, unknown>) =>
  Object.fromEntries(
    Object.entries(config).map(([key, value]) => [
      key,
      typeof value === "object" && value !== null ? JSON.stringify(value) : String(value),
    ]),
  );
const problemsOf = (config: Record<string, unknown>): readonly string[] => {
  try {
    parseStackConfig("sandbox", config);
    return [];
  } catch (error) {
    if (!(error instanceof CutterError) || error.code !== "STACK_CONFIG_INVALID") throw error;
    return error.facts["problems"] as readonly string[];
  }
};

it("reads the sandbox example, from the file and from the engine alike", () => {
  const fromFile = parseStackConfig("sandbox", example("sandbox"));
  expect(parseStackConfig("sandbox", asEngine(example("sandbox")))).toEqual(fromFile);
  expect(fromFile.hosts).toHaveLength(1);
});

it(
  "reads a list of hosts alike from the file and from the engine, which gives the numbers in it as text; port and user " +
    "have the usual values",
  () => {
    const [one, two] = ["one", "two"].map((name) => ({
      name,
      host: "203.0.113.7",
      hostKey: `ssh-ed25519 ${"A".repeat(68)}`,
      machineIdentity: "1".repeat(64),
    }));
    const {
      "cutter-kit:host": _host,
      "cutter-kit:port": _port,
      "cutter-kit:user": _user,
      "cutter-kit:hostKey": _key,
      "cutter-kit:machineIdentity": _identity,
      ...rest
    } = example("sandbox");
    const config = (port: unknown) => ({ ...rest, "cutter-kit:hosts": [one, { ...two, port, user: "root" }] });
    for (const raw of [config(2222), config("2222"), asEngine(config(2222))]) {
      expect(parseStackConfig("sandbox", raw).hosts.map(({ name, port, user }) => [name, port, user])).toEqual([
        ["one", 22, "root"],
        ["two", 2222, "root"],
      ]);
    }
    expect(problemsOf(config("22x"))).toEqual([expect.stringMatching(/^cutter-kit:hosts\.1\.port: /)]);
  },
);

it("takes the fingerprint of the one ssh key to offer, as ssh-add prints it, and nothing else for it", () => {
  const agentKey = `SHA256:${"aB3/+".repeat(8)}xyz`;
  const named = (value: string) => ({ ...filled(), "cutter-kit:agentKey": value });
  expect([parseStackConfig("contabo", named(agentKey)).agentKey, parseStackConfig("contabo", filled()).agentKey]).toEqual([agentKey, null]);
  expect(problemsOf(named("~/.ssh/id_ed25519"))).toEqual([expect.stringMatching(/^cutter-kit:agentKey: SHA256: and 43 characters/)]);
});

/** What a person puts in place of each placeholder of the contabo example, with what stands there commented out switched on. */
const filling: Readonly<Record<string, string>> = {
  "cutter-kit:host": "203.0.113.7",
  "cutter-kit:hostKey": `ssh-ed25519 ${"A".repeat(68)}`,
  "cutter-kit:machineIdentity": "1".repeat(64),
  "cutter-kit:rollbackRunbook.sha256": "2".repeat(64),
  ...Object.fromEntries(["backup", "sovereign", "architect", "kbCa"].map((name) => [`cutter-kit:keys.${name}.sha256`, "3".repeat(64)])),
  ...Object.fromEntries(["backup", "sovereign", "architect"].map((name) => [`cutter-kit:keys.${name}.fingerprint`, "C".repeat(40)])),
  "orchestrator:backup_gpg_fpr": "C".repeat(40),
  "orchestrator:kb_base_url": "https://kb.example.org/api",
};
const contabo = (): Record<string, unknown> => {
  const text = readFileSync(resolve(import.meta.dirname, "../../../Pulumi.contabo.example.yaml"), "utf8");
  return parseEverything(text);
};
/** With all that is optional, a # taken away and nothing else: words follow a # after one space, keys at once, or indented. */
const parseEverything = (text: string): Record<string, unknown> =>
  (parse(text.replaceAll(/^( *)#(?! \S)/gm, "$1")) as { readonly config: Record<string, unknown> }).config;
const fillIn = (value: unknown, key: string, left: string): unknown => {
  if (value === configPlaceholder) return key === left ? configPlaceholder : (filling[key] ?? configPlaceholder);
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, below]) => [name, fillIn(below, key === "" ? name : `${key}.${name}`, left)]),
  );
};
const filled = (left = ""): Record<string, unknown> => fillIn(contabo(), "", left) as Record<string, unknown>;

it("reads the contabo example once every placeholder is filled, from the file and from the engine alike", () => {
  const fromFile = parseStackConfig("contabo", filled());
  expect(parseStackConfig("contabo", asEngine(filled()))).toEqual(fromFile);
  expect(fromFile).toMatchObject({
    hosts: [{ name: "contabo", host: "203.0.113.7", port: 22, user: "root" }],
    keys: { architect: { path: "keys/architect.asc" }, kbCa: { path: "keys/kb-ca.pem" } },
  });
  expect(fromFile.orchestrator).toMatchObject({
    governance_principal: "directus_secdef",
    revert_principal: "cutter_revert",
    scratch_database: "cutter_scratch",
  });
});

it.each([
  ["as it stands", (text: string) => text],
  ["without a sovereign", (text: string) => text.replace(/ {4}sovereign:\n(?: {6}.*\n){3}/, "")],
])("keeps what is optional where it belongs when pulumi stack init writes the example anew, %s", async (_case, edit) => {
  const folder = mkdtempSync(join(tmpdir(), "stack-"));
  const file = join(folder, "Pulumi.contabo.yaml");
  try {
    mkdirSync(join(folder, "state"));
    writeFileSync(join(folder, "Pulumi.yaml"), "name: cutter-kit\nruntime: nodejs\n");
    const before = edit(readFileSync(resolve(import.meta.dirname, "../../../Pulumi.contabo.example.yaml"), "utf8"));
    writeFileSync(file, before);
    const environment = {
      PULUMI_HOME: join(folder, "home"),
      PULUMI_BACKEND_URL: `file://${folder}/state`,
      PULUMI_CONFIG_PASSPHRASE: "of a test",
    };
    const { code, stderr } = await runPulumi(["stack", "init", "contabo"], { workingDirectory: folder, environment });
    expect(code, stderr).toBe(0);
    const after = readFileSync(file, "utf8");
    expect(after).toContain("encryptionsalt:"); // it was written anew
    expect(parseEverything(after)).toEqual({ ...parseEverything(before), "cutter-kit:port": "22" });
    for (const line of before.split("\n").filter((text) => text.trimStart().startsWith("#"))) expect(after.split("\n")).toContain(line);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it("names every placeholder of the contabo example that is left, and nothing else", () => {
  const named = problemsOf(contabo()).map((problem) => problem.split(": ")[0]);
  expect(named.toSorted()).toEqual(Object.keys(filling).toSorted());
});

it.each(Object.keys(filling))("refuses the placeholder left at %s, by that name", (key) => {
  const problems = [problemsOf(filled(key)), problemsOf(asEngine(filled(key)))];
  for (const problem of problems) expect(problem).toEqual([`${key}: still ${configPlaceholder}`]);
});

it.each([
  ["an unknown key", { "cutter-kit:force": true }, "cutter-kit:force: there is no such key"],
  ["an unknown orchestrator key", { "orchestrator:executionEnabled": true }, "orchestrator:executionEnabled: there is no such key"],
  ["another user than root", { "cutter-kit:user": "admin" }, "cutter-kit:user"],
  ["a host key without type", { "cutter-kit:hostKey": "AAAA" }, "cutter-kit:hostKey"],
  ["no host key", { "cutter-kit:hostKey": undefined }, "cutter-kit:hostKey: is missing"],
  ["an empty grant matrix", { "orchestrator:expected_grant_matrix_sha": null }, "orchestrator:expected_grant_matrix_sha: is missing"],
  ["no psql", { "cutter-kit:psql": undefined }, "cutter-kit:psql: is missing"],
  ["no knowledge base", { "orchestrator:kb_base_url": undefined }, "orchestrator:kb_base_url: is missing"],
  ["a relative path out", { "orchestrator:sidecar_root": "/var/lib/../etc" }, "orchestrator:sidecar_root"],
  ["another backup fingerprint in two places", { "orchestrator:backup_gpg_fpr": "A".repeat(40) }, "orchestrator:backup_gpg_fpr"],
  [
    "a list of hosts beside the single one",
    {
      "cutter-kit:hosts": [{ name: "a", host: "a", port: 22, user: "root", hostKey: "ssh-ed25519 AAAA", machineIdentity: "0".repeat(64) }],
    },
    "cutter-kit: either",
  ],
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
