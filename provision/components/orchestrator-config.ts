// /etc/cutter/orchestrator.yaml from the orchestrator: part of the stack config; the same config gives the same bytes.
import { ComponentResource, type ComponentResourceOptions } from "@pulumi/pulumi";
import { stringify } from "yaml";
import { orchestratorConfigSchema, type OrchestratorConfig } from "../../orchestrator/core/config-schema.ts";
import { sha256Hex } from "../../orchestrator/core/encoding/digest.ts";
import { cutterUser, hostLayout } from "../../orchestrator/core/host/layout.ts";
import { declareFile } from "./declare.ts";
import { toChildOptions, type HostTarget } from "./target.ts";

/** Every key, defaults included, in the schema's order. Pure. */
export function renderOrchestratorConfig(config: OrchestratorConfig): string {
  const ordered = Object.fromEntries(Object.keys(orchestratorConfigSchema.shape).map((key) => [key, Reflect.get(config, key) as unknown]));
  return (
    "# Written by pulumi up from the orchestrator: keys of the stack config; an edit here is drift and is put " +
    `back.\n${stringify(ordered, { lineWidth: 0, aliasDuplicateObjects: false })}`
  );
}

export class OrchestratorConfigFile extends ComponentResource {
  readonly sha256: string;

  constructor(target: HostTarget, options: ComponentResourceOptions = {}) {
    super("cutter-kit:host:OrchestratorConfig", target.nameOf("orchestrator-config"), {}, options);
    const content = renderOrchestratorConfig(target.config.orchestrator);
    const path = hostLayout.config;
    declareFile(
      target.nameOf(path),
      { ...target.base(path, content), path, mode: "0640", owner: "root", group: cutterUser, content },
      toChildOptions(this),
    );
    this.sha256 = sha256Hex(content);
    this.registerOutputs({});
  }
}
