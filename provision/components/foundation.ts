// The ground: group and user cutter, and every directory of the host layout with its mode and owner.
import { ComponentResource, type ComponentResourceOptions, type Resource } from "@pulumi/pulumi";
import { cutterUser, hostLayout } from "../../orchestrator/core/host/layout.ts";
import { declareDirectory, declareExecutionOff, declareGroup, declareUser } from "./declare.ts";
import { toChildOptions, type HostTarget } from "./target.ts";

interface Folder {
  readonly path: string;
  readonly mode: string;
  readonly owner: string;
  readonly keep: boolean; // stays after a destroy
}

export class Foundation extends ComponentResource {
  constructor(target: HostTarget, options: ComponentResourceOptions = {}) {
    super("cutter-kit:host:Foundation", target.nameOf("foundation"), {}, options);
    const { path: etcPath, ...etcFolder } = etc;
    // First of all: the ownership manifest lies in it, and without that nothing can be claimed.
    const home = declareDirectory(
      target.nameOf(etcPath),
      { ...target.base(etcPath), ...toAccess(etcFolder), path: etcPath },
      toChildOptions(this),
    );
    // Before everything else: a host on which a live run stands half done is not touched.
    const executionOff = declareExecutionOff(target.nameOf("execution-off"), target.base("execution:off"), toChildOptions(this, [home]));
    const group = declareGroup(
      target.nameOf("group"),
      { ...target.base(`group:${cutterUser}`), name: cutterUser },
      toChildOptions(this, [home, executionOff]),
    );
    const user = declareUser(
      target.nameOf("user"),
      {
        ...target.base(`user:${cutterUser}`),
        name: cutterUser,
        group: cutterUser,
        home: "/nonexistent",
        shell: "/usr/sbin/nologin",
        groups: [],
      },
      toChildOptions(this, [group]),
    );
    const made = new Map<string, Resource>();
    for (const { path, ...folder } of toFolders(target)) {
      const parent = made.get(path.slice(0, path.lastIndexOf("/")));
      made.set(
        path,
        declareDirectory(
          target.nameOf(path),
          { ...target.base(path), ...toAccess(folder), path },
          toChildOptions(this, parent === undefined ? [user] : [user, parent]),
        ),
      );
    }
    this.registerOutputs({});
  }
}

const root = (path: string, mode = "0755", keep = false): Folder => ({ path, mode, owner: "root", keep });
const etc = root(hostLayout.etc);

function toAccess({ mode, owner, keep }: Omit<Folder, "path">): {
  readonly mode: string;
  readonly owner: string;
  readonly group: string;
  readonly keep: boolean;
} {
  return { mode, owner, group: owner, keep };
}

/** Parents first. Runs, batches, locks and the ledger hold what people need after a destroy. */
function toFolders({ config }: HostTarget): readonly Folder[] {
  const { sidecar_root, batch_dir, global_locks_dir } = config.orchestrator;
  return [
    root(hostLayout.code),
    root(hostLayout.releases),
    root(hostLayout.keys),
    root(hostLayout.requests),
    root(hostLayout.execution),
    root(hostLayout.state, "0755", true),
    ...[sidecar_root, batch_dir, global_locks_dir].map((path) => ({ path, mode: "0700", owner: cutterUser, keep: true })),
    root(hostLayout.ledger, "0700", true),
  ];
}
