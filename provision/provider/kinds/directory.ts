// A directory with its mode and owner. Goes only when empty; `keep`: stays when the resource goes, with all it holds.
import { readPathFacts } from "../../host/path-facts.ts";
import { resourceArgs } from "../../resource-args.ts";
import { defineKind } from "../kind/define.ts";

export const directoryKind = defineKind({
  type: "Directory",
  schema: resourceArgs.Directory,
  claimOf: ({ path }) => path,
  foreignCode: "FOREIGN_FILE",
  read: async (host, inputs) => {
    const facts = await readPathFacts(host, inputs.path);
    if (facts.kind === "absent") return { state: "absent" };
    if (facts.kind !== "directory") return { state: "obstructed", by: `a ${facts.kind}` };
    return { state: "present", inputs: { ...inputs, mode: facts.mode, owner: facts.owner, group: facts.group } };
  },
  write: async ({ runJob }, { path, mode, owner, group }) =>
    await runJob({
      script: `[ ! -L "$1" ] || exit 17
[ -d "$1" ] || mkdir -- "$1"
chown -h -- "$3" "$1"; chmod -- "$2" "$1"; sync -- "$1" "$(dirname -- "$1")"`,
      args: [path, mode, `${owner}:${group}`],
    }),
  remove: ({ path, keep }) =>
    keep ? null : { script: 'rmdir -- "$1" 2>/dev/null || [ ! -d "$1" ] || echo "not empty, kept: $1" >&2', args: [path] },
});
