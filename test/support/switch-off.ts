// Execution switched off on the booted host: the line that the pages give to type by hand, and runbooks/disable, each judged by the host.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { toSandboxPaths } from "../../provision/sandbox/base/paths.ts";
import { toSshArguments } from "../../provision/sandbox/commands/ssh.ts";
import { readSandboxState } from "../../provision/sandbox/state/state.ts";
import { checkout, onHost, run, type Ended } from "./e2e.ts";

const pages = ["README.md", "runbooks/README.md", "runbooks/emergency-revert.md", "runbooks/disable"];

export interface HandLine {
  readonly page: string;
  readonly line: string;
}

/** The line as each page has it, in their order; `$heart` stands for its words in the script. */
export function readHandLines(): readonly HandLine[] {
  return pages.flatMap((page) => {
    const text = readFileSync(join(checkout, page), "utf8");
    const heart = /^heart='(.*)'$/m.exec(text)?.[1] ?? "";
    return [...text.replaceAll("$heart", heart).matchAll(/ssh root@HOST 'exec sh -c "[^"]*"'/g)].map(([line]) => ({ page, line }));
  });
}

/** Types such a line, the README's unless said, as the page has it but for the address and what makes ssh the sandbox's own. */
export function typeHandLine(line: string = readHandLines()[0]?.line ?? ""): Promise<Ended> {
  const ssh = toSshArguments(readSandboxState(checkout), toSandboxPaths(checkout).knownHosts).map((word) => `'${word}'`);
  return run(["sh", "-c", line.replace("ssh root@HOST", ssh.join(" "))], 60_000);
}

export const disable = (...args: readonly string[]): Promise<Ended> => run(["runbooks/disable", "--stack", "sandbox", ...args]);

const latchFile = join(toSandboxPaths(checkout).rootDirectory, "etc/cutter/execution/DISABLED");

const runUnit = "cutter-run@switch-off.service";
const runFile = `/run/systemd/system/${runUnit}`;

/** An armed token, a live one, and something that is running under a run's unit name. */
export async function plantRun(): Promise<void> {
  const { code, stderr } = await onHost(
    `rm -f /etc/cutter/execution/DISABLED; mkdir -p /run/cutter/armed/switch-1 /run/cutter/live/switch-2; ` +
      `printf '[Service]\\nType=exec\\nExecStart=/bin/sleep 600\\n' > ${runFile}; systemctl daemon-reload; systemctl start ${runUnit}`,
  );
  if (code !== 0) throw new Error(`nothing planted: ${stderr}`);
}

export async function removePlanted(): Promise<void> {
  await onHost(
    `systemctl stop ${runUnit}; rm -rf ${runFile} /run/cutter/armed/switch-1 /run/cutter/live/switch-2 /etc/cutter/execution/DISABLED; ` +
      "systemctl daemon-reload; systemctl reset-failed",
  );
}

/** What the host itself has, asked in words that every shell reads alike; what a shell says by itself is no answer. */
export async function readSwitch(): Promise<{ readonly latch: boolean; readonly tokens: string; readonly run: string }> {
  const { stdout } = await onHost(`ls -A /run/cutter/armed /run/cutter/live; systemctl show -P ActiveState ${runUnit}`);
  const lines = stdout.trimEnd().split("\n");
  return { latch: existsSync(latchFile), tokens: lines.filter((line) => line.startsWith("switch-")).join(" "), run: lines.at(-1) ?? "" };
}

export const untouched = { latch: false, tokens: "switch-1 switch-2", run: "active" } as const;
export const stopped = { latch: true, tokens: "", run: "inactive" } as const;
