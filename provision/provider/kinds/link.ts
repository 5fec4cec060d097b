// A symbolic link to a path of the kit; where it leads is what can drift.
import { readPathFacts } from "../../host/path-facts.ts";
import { resourceArgs } from "../../resource-args.ts";
import { defineKind } from "../kind/define.ts";

export const linkKind = defineKind({
  type: "Link",
  schema: resourceArgs.Link,
  claimOf: ({ path }) => path,
  foreignCode: "FOREIGN_FILE",
  read: async (host, inputs) => {
    const facts = await readPathFacts(host, inputs.path);
    if (facts.kind === "absent") return { state: "absent" };
    if (facts.kind !== "symlink") return { state: "obstructed", by: `a ${facts.kind}` };
    return { state: "present", inputs: { ...inputs, target: facts.target } };
  },
  write: async ({ runJob }, { path, target }) =>
    await runJob({
      script: `[ ! -e "$1" ] || [ -L "$1" ] || exit 17
t=$1.new-$$; ln -s -- "$2" "$t"; mv -T -- "$t" "$1"; sync -- "$(dirname -- "$1")"`,
      args: [path, target],
    }),
  remove: ({ path }) => ({ script: '[ ! -L "$1" ] || rm -f -- "$1"', args: [path] }),
});
