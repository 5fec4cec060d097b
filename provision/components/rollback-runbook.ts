// The rollback runbook on the host: pinned by digest in the stack, UNRATIFIED until a ruling names that digest.
import { ComponentResource, type ComponentResourceOptions } from "@pulumi/pulumi";
import { hostLayout } from "../../orchestrator/core/host/layout.ts";
import { declareFile } from "./declare.ts";
import { readPinnedFile } from "../stack/pinned-file.ts";
import { toChildOptions, type HostTarget } from "./target.ts";

export class RollbackRunbook extends ComponentResource {
  constructor(target: HostTarget, options: ComponentResourceOptions = {}) {
    super("cutter-kit:host:RollbackRunbook", target.nameOf("rollback-runbook"), {}, options);
    const path = hostLayout.rollbackRunbook;
    const content = readPinnedFile("cutter-kit:rollbackRunbook", target.config.rollbackRunbook);
    declareFile(
      target.nameOf(path),
      { ...target.base(path), path, mode: "0644", owner: "root", group: "root", content },
      toChildOptions(this),
    );
    this.registerOutputs({});
  }
}
