// The ground: group and user cutter, and every directory of the host layout with its mode and owner.
import { ComponentResource, type ComponentResourceOptions, type Resource } from "@pulumi/pulumi";
import { cutterUser, hostLayout } from "../../orchestrator/core/host-layout.ts";
import { declareDirectory, declareGroup, declareUser } from "../provider/resources.ts";
import { under, type HostTarget } from "./target.ts";

interface Folder {
  readonly path: string;
  readonly mode: string;
  readonly owner: string;
  readonly keep: boolean; // stays after a destroy
}

export class Foundation extends ComponentResource {
  constructor(target: HostTarget, options: ComponentResourceOptions = {}) {
    super("cutter-kit:host:Foundation", target.nameOf("foundation"), {}, options);
    const group = declareGroup(target.nameOf("group"), { ...target.base(`group:${cutterUser}`), name: cutterUser }, under(this));
    const user = declareUser(
      target.nameOf("user"),
      { ...target.base(`user:${cutterUser}`), name: cutterUser, group: cutterUser, home: "/nonexistent", shell: "/usr/sbin/nologin", groups: [] },
      under(this, [group]),
    );
    const made = new Map<string, Resource>();
    for (const { path, mode, owner, keep } of toFolders(target)) {
      const parent = made.get(path.slice(0, path.lastIndexOf("/")));
      const directory = declareDirectory(target.nameOf(path), { ...target.base(path), path, mode, owner, group: owner, keep }, under(this, [user, ...(parent === undefined ? [] : [parent])]));
      made.set(path, directory);
    }
    this.registerOutputs({});
  }
}

/** Parents first. Runs, batches, locks and the ledger hold what people need after a destroy. */
function toFolders({ config }: HostTarget): readonly Folder[] {
  const { sidecar_root, batch_dir, global_locks_dir } = config.orchestrator;
  const root = (path: string, mode = "0755", keep = false): Folder => ({ path, mode, owner: "root", keep });
  return [
    root("/opt/cutter"),
    root(hostLayout.releases),
    root(hostLayout.etc),
    root(hostLayout.keys),
    root(hostLayout.requests),
    root(hostLayout.execution),
    root(hostLayout.state, "0755", true),
    ...[sidecar_root, batch_dir, global_locks_dir].map((path) => ({ path, mode: "0700", owner: cutterUser, keep: true })),
    root(hostLayout.ledger, "0700", true),
  ];
}
