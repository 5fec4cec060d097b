// The closing proof on the host: the release verifies itself and the kill switch says what it is. Runs again when release, config or units
// change.
import { remote } from "@pulumi/command";
import { ComponentResource, type ComponentResourceOptions, type Output } from "@pulumi/pulumi";
import { hostLayout } from "../../orchestrator/core/host/layout.ts";
import { startMarker, toScriptOutput } from "../host/shell.ts";
import { toChildOptions, type HostTarget } from "./target.ts";

export class Proof extends ComponentResource {
  /** What both commands printed; without timestamps, so that it stays the same while nothing changes. */
  readonly text: Output<string>;

  constructor(target: HostTarget, triggers: readonly string[], options: ComponentResourceOptions = {}) {
    super("cutter-kit:host:Proof", target.nameOf("proof"), {}, options);
    const { host, port, user, hostKey } = target.host;
    const command = new remote.Command(
      target.nameOf("proof"),
      {
        // No key here: it would stand in state. The provider asks the agent behind SSH_AUTH_SOCK.
        connection: { host, port, user, hostKey, dialErrorLimit: 1 },
        create: `${startMarker}; ${hostLayout.command} self-verify && ${hostLayout.command} kill-switch status`,
        triggers: [...triggers],
      },
      toChildOptions(this),
    );
    this.text = command.stdout.apply((text) => toScriptOutput(text) ?? text);
    this.registerOutputs({});
  }
}
