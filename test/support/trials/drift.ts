// Damages a ready host and watches the repair from outside: steps as sets, trees as bytes, and a canary that must stand nowhere.
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { parseOwnershipClaims } from "../../../provision/provider/ownership.ts";
import { type Damage, damages, obstacles } from "./damages.ts";
import { checkout, onHost, run } from "../e2e.ts";
import { preview, pulumi, readSteps, readTree, up } from "../stack.ts";
import type { Trial } from "./trials.ts";

/**
 * All damages at once, each to a resource of its own. @returns what was seen. @throws when one thing is not as promised; the host is then
 * repaired first, for whoever comes next
 */
export async function tryDamages(chosen: readonly Damage[]): Promise<string> {
  const canary = toCanary();
  const before = await readTree();
  try {
    const damaged = await damage(chosen, canary, before);
    const previewed = await lookAtPreview(chosen);
    same("the host after a preview", await readTree(), damaged);
    const repair = await up("--diff");
    if (repair.code !== 0) throw new Error(`up ended with ${repair.code}:\n${repair.output}`);
    same("the host after up", await readTree(), before);
    same("the steps of the next preview", (await readSteps()).join("\n"), "");
    await lookForDisplaced(chosen);
    await lookForCanary(canary, { preview: previewed, up: repair.output });
    const [step = "", ...others] = chosen.flatMap(({ steps }) => steps);
    return `${step}${others.length === 0 ? "" : ` and ${others.length} others`}; repaired`;
  } catch (error) {
    await up();
    throw error;
  }
}

/** What is not ours stands in our way. @throws as above */
async function tryObstacle(obstacle: (typeof obstacles)[number]): Promise<string> {
  const canary = toCanary();
  const before = await readTree();
  try {
    const obstructed = await damage([obstacle], canary, before);
    const previewed = await lookAtPreview([obstacle]);
    const refused = await up("--diff");
    if (refused.code === 0 || !refused.output.includes("FOREIGN_FILE") || !refused.output.includes(obstacle.path))
      throw new Error(`up did not refuse it by name, but ended with ${refused.code}:\n${refused.output}`);
    same("the host after the refusal", await readTree(), obstructed);
    await lookForCanary(canary, { preview: previewed, up: refused.output }, [obstacle.path]);
    await onHost(obstacle.cleared);
    const repair = await up();
    same("the host once it is out of the way", await readTree(), before);
    same("the steps of the next preview", (await readSteps()).join("\n"), "");
    return `${obstacle.steps.join(", ")}; FOREIGN_FILE, untouched; repaired once it was gone (${repair.code})`;
  } catch (error) {
    await onHost(obstacle.cleared);
    await up();
    throw error;
  }
}

/**
 * The ownership manifest goes, alone or with all of /etc/cutter: what is gone is made again, everything else is claimed again, and no more.
 * @throws as above
 */
async function tryManifestLost(gone: "/etc/cutter" | "/etc/cutter/ownership.jsonl"): Promise<string> {
  const [before, claimed] = [await readTree(), await readClaimed()];
  const expected = (await readResources()).map(
    (resource) => `${`${resource}/`.includes(` sandbox${gone}/`) ? "create" : "update"} ${resource}`,
  );
  await onHost(`rm -r ${gone}`);
  try {
    same("the steps of the preview", (await readSteps()).join("\n"), expected.toSorted().join("\n"));
    const repair = await up();
    if (repair.code !== 0) throw new Error(`up ended with ${repair.code}:\n${repair.output}`);
    same("the host after up", await readTree(), before);
    same("the claims after up", await readClaimed(), claimed);
    same("the steps of the next preview", (await readSteps()).join("\n"), "");
    return `${expected.length} resources claimed again; repaired`;
  } catch (error) {
    await up();
    throw error;
  }
}

/** What the manifest claims, and for which resource, sorted. */
async function readClaimed(): Promise<string> {
  const claims = parseOwnershipClaims((await onHost("cat /etc/cutter/ownership.jsonl")).stdout);
  return [...claims.values()]
    .filter(({ path }) => !/^.opt.cutter.releases.\d/.test(path))
    .map(({ path, urn }) => `${path} ${urn}`)
    .toSorted()
    .join("\n");
}

/** The kit's things on the host that the state has, as `readSteps` names them. */
async function readResources(): Promise<readonly string[]> {
  const { output } = await pulumi("stack", "export");
  const { deployment } = JSON.parse(output.slice(output.indexOf("{"))) as {
    readonly deployment: { readonly resources?: readonly { readonly urn: string }[] };
  };
  return (deployment.resources ?? []).flatMap(({ urn }) => /[:$]cutterhost:index:(\w+)::(.+)$/.exec(urn)?.slice(1).join(" ") ?? []);
}

export const driftTrials: readonly Trial[] = [
  ...damages.map((one) => ({ name: one.name, run: async () => await tryDamages([one]) })),
  { name: "ownership manifest removed", run: async () => await tryManifestLost("/etc/cutter/ownership.jsonl") },
  { name: "folder of the configuration removed", run: async () => await tryManifestLost("/etc/cutter") },
  ...obstacles.map((one) => ({ name: one.name, run: async () => await tryObstacle(one) })),
];

/** As many damages as have no resource in common, in the table's order. */
export function chooseTogether(all: readonly Damage[]): readonly Damage[] {
  const taken = new Set<string>();
  return all.filter(({ steps }) => {
    const resources = steps.map((step) => step.slice(step.indexOf(" ")));
    if (resources.some((resource) => taken.has(resource))) return false;
    for (const resource of resources) taken.add(resource);
    return true;
  });
}

/** Like no secret one would look for: only that the wanted text lacks it tells. */
const toCanary = () => `Tue-${randomBytes(6).toString("hex")}`;

/**
 * Together they must change the tree: a damage that does none would prove nothing (of many, the preview's steps tell each). @returns the
 * tree after all
 */
async function damage(chosen: readonly Damage[], canary: string, before: string): Promise<string> {
  const commands = chosen.map(({ command }) => `(${command})`).join("\n");
  const { code, stderr } = await onHost(`set -e; IFS= read -r canary\n${commands}`, `${canary}\n`);
  if (code !== 0) throw new Error(`the damage ended with ${code}: ${stderr}`);
  const after = await readTree();
  if (after === before) throw new Error("the damage changed nothing on the host");
  return after;
}

async function lookAtPreview(chosen: readonly Damage[]): Promise<string> {
  const { steps, output } = await preview();
  same(
    "the steps of the preview",
    steps.join("\n"),
    chosen
      .flatMap((one) => one.steps)
      .toSorted()
      .join("\n"),
  );
  const missing = chosen.flatMap(({ shown }) => shown).filter((text) => !output.includes(text));
  if (missing.length > 0) throw new Error(`the preview does not show ${missing.join(", ")}:\n${output}`);
  return output;
}

async function lookForDisplaced(chosen: readonly Damage[]): Promise<void> {
  const { stdout } = await onHost("find /var/lib/cutter-ledger/displaced -mmin -30 2>/dev/null; true");
  const missing = chosen.flatMap(({ displaced }) => displaced ?? []).filter((name) => !stdout.includes(name));
  if (missing.length > 0) throw new Error(`not among what was moved aside: ${missing.join(", ")}\n${stdout}`);
}

/**
 * In no output, nowhere in the stack's state or what the engine keeps beside it, and in no file, log or journal of the host but where it
 * was moved aside or left alone.
 */
async function lookForCanary(canary: string, outputs: Readonly<Record<string, string>>, left: readonly string[] = []): Promise<void> {
  const state = await pulumi("stack", "export", "--show-secrets");
  const seen = Object.entries({ ...outputs, state: state.output })
    .filter(([, text]) => text.includes(canary))
    .map(([where]) => where);
  const local = await run(["grep", "-rlF", "--", canary, join(checkout, ".pulumi-state")]);
  const { stdout } = await onHost(
    `IFS= read -r canary; journalctl --sync; journalctl -o cat --no-pager | grep -qaF -- "$canary" && echo journal
grep -rlF -D skip -- "$canary" /var/log /var/lib/cutter /var/lib/cutter-ledger /etc /opt/cutter /opt/incomex /run/cutter* /run/systemd /run/log /usr/local /root /tmp /var/tmp 2>/dev/null | grep -vF /var/lib/cutter-ledger/displaced/; true`,
    `${canary}\n`,
  );
  const places = [...local.output.split("\n"), ...stdout.split("\n")].filter(
    (path) => path !== "" && !left.some((kept) => path.startsWith(kept)),
  );
  if (seen.length + places.length > 0) throw new Error(`the canary stands in ${[...seen, ...places].join(", ")}`);
}

/** @throws with the lines that differ, when they do */
function same(what: string, seen: string, wanted: string): void {
  if (seen === wanted) return;
  const [a, b] = [seen.split("\n"), wanted.split("\n")];
  const differing = [
    ...a.filter((line) => !b.includes(line)).map((line) => `+ ${line}`),
    ...b.filter((line) => !a.includes(line)).map((line) => `- ${line}`),
  ];
  throw new Error(`${what}: not as it should be\n${differing.join("\n")}`);
}
