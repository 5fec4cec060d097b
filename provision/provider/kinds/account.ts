// System group and system user. Both are kept when the resource goes: runs and backups on the disk belong to them.
import { resourceArgs } from "../../resource-args.ts";
import { defineKind } from "../kind/define.ts";
import type { RemoteHost } from "../../host/connection.ts";
import { CutterError } from "../../../orchestrator/core/errors.ts";

export const groupKind = defineKind({
  type: "Group",
  schema: resourceArgs.Group,
  claimOf: ({ name }) => `group:${name}`,
  foreignCode: "FOREIGN_ACCOUNT",
  read: async (host, inputs) =>
    (await readEntry(host, "group", inputs.name)) === null ? { state: "absent" } : { state: "present", inputs },
  write: async ({ runJob }, { name }) => await runJob({ script: 'getent group "$1" >/dev/null || groupadd --system "$1"', args: [name] }),
  remove: () => null,
});

export const userKind = defineKind({
  type: "User",
  schema: resourceArgs.User,
  claimOf: ({ name }) => `user:${name}`,
  foreignCode: "FOREIGN_ACCOUNT",
  read: async (host, inputs) => {
    const entry = await readEntry(host, "passwd", inputs.name);
    if (entry === null) return { state: "absent" };
    const outcome = await host.run('id -gn -- "$1" && id -Gn -- "$1"', [inputs.name], { timeoutMs: 15_000 });
    const [group = "", all = ""] = outcome.stdout.split("\n");
    const groups = all
      .split(" ")
      .filter((name) => name !== group && name !== "")
      .sort();
    return { state: "present", inputs: { ...inputs, group, groups, home: entry[5] ?? "", shell: entry[6] ?? "" } };
  },
  // `groups` is exact: a user that somebody put into the docker group would be root.
  write: async ({ runJob }, { name, group, home, shell, groups }) =>
    await runJob({
      script: `if getent passwd "$1" >/dev/null; then usermod --gid "$2" --home "$3" --shell "$4" --groups "$5" "$1"
else useradd --system --gid "$2" --home-dir "$3" --no-create-home --shell "$4" \${5:+--groups "$5"} "$1"; fi`,
      args: [name, group, home, shell, groups.join(",")],
    }),
  remove: () => null,
});

/** Fields of the getent line, or null if there is no such entry. */
async function readEntry(host: RemoteHost, database: "passwd" | "group", name: string): Promise<readonly string[] | null> {
  const outcome = await host.run('getent "$1" "$2"', [database, name], { timeoutMs: 15_000 });
  if (outcome.code === 2) return null;
  if (outcome.code !== 0)
    throw new CutterError(outcome.code === null ? "HOST_OUTCOME_UNKNOWN" : "HOST_COMMAND_FAILED", {
      host: host.address.name,
      reading: `${database} ${name}`,
    });
  return outcome.stdout.trim().split(":");
}
