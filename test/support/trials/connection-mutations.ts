// Trials of a line that breaks in the middle of each kind of change: the thing is damaged on the host, the kit repairs it, the line goes;
// what stands in the end?
import { onHost } from "../e2e.ts";
import { withKit, type RecordedResource } from "../kit.ts";
import type { TrialConnection, Point } from "./connection.ts";
import { readTree } from "../stack.ts";
import type { Trial } from "./trials.ts";

export interface ConnectionTrial {
  readonly connection: TrialConnection;
  readonly resources: readonly RecordedResource[];
  /** The host's tree before anything was broken. */
  readonly tree: string;
}

type Way = "cut" | "stalled";

interface Change {
  readonly name: string;
  readonly resource: string; // "Type name"
  readonly damage: string;
  readonly command: string; // part of the command to be held
  readonly nth?: number;
  readonly act?: "remove";
}

const orphan = "/run/cutter/armed/line-trial";
const job = (type: string): string => `cutter-job-${type.toLowerCase()}-`;
const change = (resource: string, damage: string, name = resource.split(" ")[0] ?? ""): Change => ({
  name,
  resource,
  damage,
  command: job(resource.split(" ")[0] ?? ""),
});
const sovereign = "KeyFile sandbox/etc/cutter/keys/sovereign.asc";
const release = "Release sandbox/opt/cutter/releases";

const alteredFile = "echo >> /opt/cutter/current/bin/cutter.mjs";
const lostCurrent = "rm /opt/cutter/current";

/** One of each kind, and each job of those that take several. */
const changes: readonly Change[] = [
  change("Group sandbox/group", "sed -i '/^cutter:/d' /etc/group /etc/gshadow"),
  change("User sandbox/user", "usermod --shell /bin/sh cutter"),
  change("Directory sandbox/var/lib/cutter/locks", "rmdir /var/lib/cutter/locks"),
  change("File sandbox/etc/cutter/orchestrator.yaml", "echo >> /etc/cutter/orchestrator.yaml"),
  change("Link sandbox/usr/local/bin/cutter", "ln -sfn /nowhere /usr/local/bin/cutter"),
  change(sovereign, "echo >> /etc/cutter/keys/sovereign.asc"),
  change("Unit sandbox/etc/systemd/system/cutter-kb.socket", "echo '#' >> /etc/systemd/system/cutter-kb.socket"),
  change(
    "EnvLine sandbox/opt/incomex/docker/.env#BACKUP_GPG_FPR",
    "sed -i 's/^BACKUP_GPG_FPR=.*/BACKUP_GPG_FPR=0000000000000000000000000000000000000000/' /opt/incomex/docker/.env",
  ),
  change("ExecutionOff sandbox/execution-off", `install -d ${orphan}`, "ownership record"),
  { name: "disarming", resource: "ExecutionOff sandbox/execution-off", damage: `install -d ${orphan}`, command: "disarmed_by_deploy" },
  { ...change(release, alteredFile, "Release upload"), nth: 1 },
  { ...change(release, alteredFile, "Release rename"), nth: 2 },
  change(release, lostCurrent, "Release switch"),
  { name: "Release proof", resource: release, damage: lostCurrent, command: "cutter-root does not start" },
  { name: "Release confirm", resource: release, damage: lostCurrent, command: '" confirm "$2"' },
  { ...change(sovereign, ":", "removal"), act: "remove" },
  { ...change(sovereign, ":", "release of the claim"), act: "remove", nth: 2 },
];

const isJob = ({ command }: Change): boolean => command.startsWith("cutter-job-");

/** The sweep: every change, its request lost, cut while its job runs, its answer lost, and its answer swallowed by a line that stalls. */
export function toMutationTrials(world: () => ConnectionTrial): readonly Trial[] {
  const rows = changes.flatMap((one) => [
    toTrial(world, one, "before", "cut"),
    ...(isJob(one) ? [toTrial(world, one, "during", "cut")] : []),
    toTrial(world, one, "after", "cut"),
    ...(one.act === undefined ? [toTrial(world, one, "after", "stalled")] : []),
  ]);
  return [...rows, toUploadTrial(world, "cut"), toUploadTrial(world, "stalled")];
}

const words: Record<Point, string> = { before: "request lost", during: "while its job runs", after: "answer lost" };

function toTrial(world: () => ConnectionTrial, one: Change, point: Point, way: Way): Trial {
  return {
    name: `${one.name}: ${words[point]}, line ${way}`,
    run: async () => {
      const { connection } = world();
      await arrange(one);
      await connection.hold(point, one.command, one.nth);
      return await checkChange(world(), one, async () => {
        await connection.untilHeld();
        if (way === "cut") connection.proxy.cutAll();
        else connection.proxy.stallOpen();
        if (point === "during") await connection.untilAsked();
        if (point === "before") await connection.drop();
        else await connection.resume();
      });
    },
  };
}

/** No hold here: so many bytes of the archive have gone, and no more. */
function toUploadTrial(world: () => ConnectionTrial, way: Way): Trial {
  const upload = { ...change(release, alteredFile, "Release upload") };
  return {
    name: `Release upload: line ${way} after 8 MB`,
    run: async () => {
      const { connection } = world();
      await arrange(upload);
      await connection.hold("after", "no such command");
      return await checkChange(
        world(),
        upload,
        () =>
          new Promise((broken) =>
            connection.proxy.afterBytes(
              "client",
              8_000_000,
              () => (way === "cut" ? connection.proxy.cutAll() : connection.proxy.stallOpen(), broken()),
            ),
          ),
      );
    },
  };
}

async function arrange({ damage }: Change): Promise<void> {
  const { code, stderr } = await onHost(damage);
  if (code !== 0) throw new Error(`the damage could not be done: ${stderr}`);
}

const unknowns = ["HOST_OUTCOME_UNKNOWN", "HOST_COMMAND_FAILED", "RELEASE_UNCONFIRMED"];

/** The first command meets the broken line; the next, a new one, brings what is missing. The host is then as it was. */
async function checkChange(
  { connection, resources, tree }: ConnectionTrial,
  one: Change,
  breakConnection: () => Promise<void>,
): Promise<string> {
  const resource = resources.find(({ type, name }) => `${type} ${name}` === one.resource);
  if (resource === undefined) throw new Error(`the stack has no ${one.resource}`);
  const startedMs = performance.now();
  const { port } = connection.proxy;
  const act = (): Promise<string> =>
    withKit(port, async (kit) => (one.act === "remove" ? await kit.remove(resource) : await kit.up(resource)));
  const [first] = await Promise.all([act(), breakConnection()]);
  const endedS = ((performance.now() - startedMs) / 1000).toFixed(1);
  const code = first.split(" ")[0] ?? "";
  if (first !== "done" && !unknowns.includes(code)) throw new Error(`the first command said: ${first}`);
  if (first !== "done" && /nothing was changed/.test(first)) throw new Error(`it claims to know: ${first}`);
  const next = first === "done" ? "" : await act();
  if (!["", "done", "equal"].includes(next)) throw new Error(`${first}\nthe next command said: ${next}`);
  if (one.act === "remove") await mustBeGone(resource.id);
  const last = await withKit(port, async (kit) =>
    [one.act === "remove" ? await kit.up(resource) : "done", await kit.observe(resource)].join(" "),
  );
  if (last !== "done equal") throw new Error(`in the end: ${last}`);
  await connection.clear();
  const now = await readTree();
  if (now !== tree) throw new Error(`the host's tree differs:\n${toDifference(tree, now)}`);
  const seen = /seen="([^"]*)"/.exec(first)?.[1] ?? "";
  return first === "done"
    ? `read again: done, after ${endedS} s; tree equal`
    : `${code} after ${endedS} s${seen === "" ? "" : ` (${seen})`}; next: ${next}, tree equal`;
}

async function mustBeGone(path: string): Promise<void> {
  const { stdout } = await onHost(`ls -d ${path} 2>/dev/null; tail -n 1 /etc/cutter/ownership.jsonl | grep -o '"state":"[a-z]*"'`);
  if (stdout.trim() !== '"state":"released"') throw new Error(`it is not gone, or still claimed: ${stdout}`);
}

function toDifference(before: string, after: string): string {
  const [old, now] = [before.split("\n"), after.split("\n")];
  return [
    ...old.filter((line) => !now.includes(line)).map((line) => `- ${line}`),
    ...now.filter((line) => !old.includes(line)).map((line) => `+ ${line}`),
  ].join("\n");
}
