// The sweep of interrupted ups: one `up` after the other, each interrupted at a resource that no earlier one was interrupted at, never
// anything done by hand in between.
import { setTimeout as sleep } from "node:timers/promises";
import { onHost } from "../e2e.ts";
import { interrupts, interruptUp, isHostStep, moments, type Plan } from "./interrupted-up.ts";
import { pulumi, readTree, up } from "../stack.ts";
import type { Trial } from "./trials.ts";

/**
 * One pass over `steps` (as `readHostSteps` names them): as many rows, each an `up` on what the one before left, interrupted at the first
 * step that no earlier row was interrupted at. Which kind and which moment a step meets follows from its place in the list and the pass:
 * four passes bring each step all four kinds.
 */
export function toPass(pass: number, steps: readonly string[]): readonly Trial[] {
  const met = new Set<string>();
  const plan: Plan = (urn) => {
    const place = steps.indexOf(toStepName(urn));
    return place < 0 || met.has(urn)
      ? null
      : {
          interrupt: interrupts[(place + pass) % interrupts.length] ?? "Ctrl-C",
          moment: moments[(place + pass) % moments.length] ?? "begin",
        };
  };
  return steps.map((_, index) => ({
    name: `pass ${pass}, up ${index + 1}`,
    run: async () => {
      const { at, code, output, endMs, goneMs } = await interruptUp(plan);
      if (at === null) throw new Error(`no step was left to interrupt; the up ended with ${code}:\n${output}`);
      met.add(at.urn);
      const fault = ["FOREIGN_FILE", "currently locked", "pending operations"].find((word) => output.includes(word));
      if (fault !== undefined) throw new Error(`${toStepName(at.urn)}: ${fault}, after an earlier interrupt:\n${output}`);
      return `${at.interrupt}, ${at.moment}: ${toStepName(at.urn)}; ended ${toSeconds(endMs)} later, all gone in ${toSeconds(goneMs)}`;
    },
  }));
}

/** The steps that an up would take on the host, as `toPass` names them, sorted: components and the stack itself do nothing there. */
async function readHostSteps(): Promise<readonly string[]> {
  const { code, output } = await pulumi("preview", "--json");
  const start = output.search(/^\{/m);
  if (code !== 0 || start < 0) throw new Error(`the preview failed with ${code}:\n${output}`);
  const { steps } = JSON.parse(output.slice(start)) as { readonly steps?: readonly { readonly op: string; readonly urn: string }[] };
  return (steps ?? [])
    .filter(({ op, urn }) => isHostStep(op, urn))
    .map(({ urn }) => toStepName(urn))
    .toSorted();
}

/** "Directory sandbox/var/lib/cutter" */
function toStepName(urn: string): string {
  const [, , types = "", name = ""] = urn.slice("urn:pulumi:".length).split("::");
  return `${types.split(/[$:]/).at(-1) ?? ""} ${name}`;
}

/**
 * The next up needs no hand, the host is what an undisturbed up makes of it, the preview is clean, and nothing of the interrupts is left,
 * neither in the state nor on the host.
 */
export function toEndRow(pass: number, expected: () => string): Trial {
  return {
    name: `pass ${pass}, a plain up`,
    run: async () => {
      const last = await up();
      if (last.code !== 0) throw new Error(`the up after the interrupts ended with ${last.code}:\n${last.output}`);
      const tree = await readTree();
      if (tree !== expected()) throw new Error(`the host differs:\n${toDifference(expected(), tree)}`);
      const preview = await pulumi("preview", "--expect-no-changes");
      if (preview.code !== 0) throw new Error(`the preview is not clean:\n${preview.output}`);
      if ((await pulumi("stack", "export")).output.includes("pending_operations"))
        throw new Error("the state still has pending operations");
      const left = await readLeftOnHost();
      if (left !== "") throw new Error(`left on the host:\n${left}`);
      return "exit 0, the undisturbed host's tree, clean preview, nothing pending, no job left on the host";
    },
  };
}

/**
 * Jobs that run (what they came to is kept for an hour, by design), temporary files and sessions of ours beside the one that looks.
 * Sessions end when sshd sees the end of their line: asked for ten seconds.
 */
async function readLeftOnHost(): Promise<string> {
  for (let attempt = 0; ; attempt += 1) {
    const { stdout } = await onHost(`systemctl list-units --all --plain --no-legend 'cutter-job-*'
find /etc/cutter /opt /etc/systemd/system /etc/tmpfiles.d /usr/local/bin /var/lib/cutter -name '.cutter-*' -o -name '*.new-*' -o -name '.incoming-*' -o -name '.damaged-*'; ls -d /etc/cutter.* 2>/dev/null
n=$(ss -tnH state established sport = :22 | wc -l); [ "$n" -le 1 ] || echo "$n connections to sshd"`);
    if (stdout === "" || attempt === 20) return stdout;
    await sleep(500);
  }
}

/** What a pass is measured by. */
export interface Yardstick {
  /** As `readHostSteps` gives them, on a bare host: as many rows has a pass. */
  readonly steps: readonly string[];
  /** The tree of a host after an undisturbed up. */
  readonly tree: string;
}

/** A bare host, and what an undisturbed up does and leaves there. @throws when that up fails */
export async function readYardstick(): Promise<Yardstick> {
  await pulumi("stack", "select", "--create", "sandbox");
  await makeBare();
  const steps = await readHostSteps();
  const { code, output } = await up();
  if (code !== 0) throw new Error(`the undisturbed up ended with ${code}:\n${output}`);
  return { steps, tree: await readTree() };
}

/** From a bare host: one pass over all steps and what must stand at its end. */
export function toBarePass(pass: number, { steps, tree }: Yardstick): readonly Trial[] {
  const bare: Trial = {
    name: `pass ${pass}, a bare host`,
    run: async () => (await makeBare(), "destroyed, and what a destroy keeps removed"),
  };
  return [bare, ...toPass(pass, steps), toEndRow(pass, () => tree)];
}

/** A host that never saw the kit, as far as the kit's own places go: destroyed, and what a destroy keeps taken away by hand. */
async function makeBare(): Promise<void> {
  const { code, output } = await pulumi("destroy", "--yes", "--skip-preview");
  if (code !== 0) throw new Error(`the destroy ended with ${code}:\n${output}`);
  await onHost("rm -rf /var/lib/cutter /var/lib/cutter-ledger /etc/cutter /opt/cutter; userdel cutter; groupdel cutter; true");
}

/** The lines that only one of the two texts has. */
function toDifference(expected: string, found: string): string {
  const [wanted, there] = [expected.split("\n"), found.split("\n")];
  return [
    ...wanted.filter((line) => !there.includes(line)).map((line) => `- ${line}`),
    ...there.filter((line) => !wanted.includes(line)).map((line) => `+ ${line}`),
  ].join("\n");
}

function toSeconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
