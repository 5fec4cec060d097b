// What systemd gets: the run's unit, its root helpers and relay, and the runtime directories.
import { ComponentResource, type ComponentResourceOptions, type Resource } from "@pulumi/pulumi";
import { sha256OfJson } from "../../orchestrator/core/encoding/digest.ts";
import { declareUnit } from "./declare.ts";
import { renderUnits, type HostUnit } from "../units/index.ts";
import { toChildOptions, type HostTarget } from "./target.ts";

export class Units extends ComponentResource {
  /** Of all texts: changes when any unit changes. */
  readonly sha256: string;

  constructor(target: HostTarget, options: ComponentResourceOptions = {}) {
    super("cutter-kit:host:Units", target.nameOf("units"), {}, options);
    const units = renderUnits(target.config.orchestrator);
    const installed: Resource[] = [];
    for (const unit of units) {
      const { name, path, mode, text } = unit;
      const args = { ...target.base(path), name, path, mode, owner: "root", group: "root", content: text, activation: toActivation(unit) };
      // In the order given: a socket is started only after its service is installed.
      installed.push(declareUnit(target.nameOf(path), args, toChildOptions(this, installed)));
    }
    this.sha256 = sha256OfJson(units);
    this.registerOutputs({});
  }
}

function toActivation({ name, enabled }: HostUnit): "none" | "socket" | "service" | "tmpfiles" {
  if (name.endsWith(".conf")) return "tmpfiles";
  if (enabled) return "socket";
  return name.endsWith(".service") && !name.includes("@") ? "service" : "none";
}
