// One host made ready: the order of its components, and what the closing proof depends on.
import { ComponentResource, type ComponentResourceOptions, type Output } from "@pulumi/pulumi";
import { Release, type WantedRelease } from "./release.ts";
import { Foundation } from "./foundation.ts";
import { Keyring } from "./keyring.ts";
import { OrchestratorConfigFile } from "./orchestrator-config.ts";
import { Proof } from "./proof.ts";
import { RollbackRunbook } from "./rollback-runbook.ts";
import type { HostTarget } from "./target.ts";
import { Units } from "./units.ts";

export class ReadyHost extends ComponentResource {
  /** What the host said of itself at the end. */
  readonly proof: Output<string>;

  constructor(target: HostTarget, wanted: WantedRelease, options: ComponentResourceOptions = {}) {
    super("cutter-kit:host:ReadyHost", target.host.name, {}, options);
    const after = (...dependsOn: readonly ComponentResource[]): ComponentResourceOptions => ({ parent: this, dependsOn: [...dependsOn] });
    const foundation = new Foundation(target, after());
    const keyring = new Keyring(target, after(foundation));
    const config = new OrchestratorConfigFile(target, after(foundation));
    const runbook = new RollbackRunbook(target, after(foundation));
    const release = new Release(target, wanted, after(foundation));
    // Sockets start listening at once: what they would start has to be there before.
    const units = new Units(target, after(release, config, keyring));
    const proof = new Proof(target, [wanted.sha256, config.sha256, units.sha256], after(release, config, units, runbook));
    this.proof = proof.text;
    this.registerOutputs({});
  }
}
