// cutter config check: the configuration judged, each key with its meaning, an example and what it is set to.
import { buildCommand } from "@stricli/core";
import { loadConfig } from "../config/load.ts";
import { orchestratorConfigSchema, type OrchestratorConfig } from "../core/config-schema.ts";
import { parse } from "yaml";
import type { CutterContext } from "./context.ts";
import { commonFlags, print, type CommonFlags } from "./flags.ts";

export const configCheckCommand = buildCommand<CommonFlags, [], CutterContext>({
  docs: { brief: "Judge the configuration and show each key with its meaning" },
  parameters: { flags: commonFlags },
  func: async function (this: CutterContext, flags) {
    const config = await loadConfig(this.services.files, this.services.paths.config);
    const keys = toKeys(config.value, config.text);
    const text = keys.flatMap((key) => [`${key.name} = ${JSON.stringify(key.value)}${key.set ? "" : " (default)"}`, `    ${key.meaning}`]);
    print(this, flags, { schema: "cutter.config-check/1", file: this.services.paths.config, sha256: config.sha256, keys }, [
      ...text,
      `[OK] ${this.services.paths.config} fits its schema: ${String(keys.length)} keys`,
    ]);
  },
});

interface Key {
  readonly name: string;
  readonly value: unknown;
  readonly set: boolean; // false: the default
  readonly meaning: string; // with an example
}

/** No key holds a secret: names, paths and fingerprints only (decision 33). Pure. */
function toKeys(config: OrchestratorConfig, text: string): readonly Key[] {
  const written: unknown = parse(text);
  const named = typeof written === "object" && written !== null ? Object.keys(written) : [];
  const values = new Map<string, unknown>(Object.entries(config));
  return Object.entries(orchestratorConfigSchema.shape).map(([name, schema]) => ({
    name,
    value: values.get(name),
    set: named.includes(name),
    meaning: schema.description ?? "",
  }));
}
