// What the outer machine must be for a sandbox: checked before anything is made, so that what is missing is named and not met halfway.
import { existsSync, readFileSync } from "node:fs";
import { CutterError } from "../../../orchestrator/core/errors.ts";
import { childEnvironment } from "../base/process.ts";

/** Programs and the Debian package each comes from. */
const neededPrograms: Readonly<Record<string, string>> = {
  mmdebstrap: "mmdebstrap",
  "systemd-nspawn": "systemd-container",
  ip: "iproute2",
  gpg: "gnupg",
  gpgconf: "gnupg",
  openssl: "openssl",
  ssh: "openssh-client",
  "ssh-agent": "openssh-client",
  "ssh-keygen": "openssh-client",
  nsenter: "util-linux",
  tar: "tar",
};

/** @throws SANDBOX_MACHINE_UNFIT */
export function assertMachineFits(checkout: string): void {
  if (process.platform !== "linux" || process.arch !== "x64")
    throw new CutterError("SANDBOX_MACHINE_UNFIT", { reason: "not_linux", platform: process.platform, arch: process.arch });
  if (process.getuid?.() !== 0) throw new CutterError("SANDBOX_MACHINE_UNFIT", { reason: "not_root", uid: process.getuid?.() ?? -1 });
  const missing = Object.keys(neededPrograms).filter((program) => !isInstalled(program));
  if (missing.length > 0)
    throw new CutterError("SANDBOX_MACHINE_UNFIT", {
      reason: "program_missing",
      programs: missing,
      packages: [...new Set(missing.map((program) => neededPrograms[program] ?? program))],
    });
  if (findFileSystem(readFileSync("/proc/self/mountinfo", "utf8"), checkout) === "overlay")
    throw new CutterError("SANDBOX_MACHINE_UNFIT", { reason: "overlayfs", checkout });
}

/** Type of the file system a path lies on: the longest mount point that contains it, the last one mounted there. Pure. */
export function findFileSystem(mountInfo: string, path: string): string {
  let best = { length: -1, type: "" };
  for (const text of mountInfo.split("\n")) {
    const [before = "", after = ""] = text.split(" - ");
    const mountPoint = before.split(" ")[4] ?? "";
    const contains = mountPoint === "/" || path === mountPoint || path.startsWith(`${mountPoint}/`);
    if (mountPoint !== "" && contains && mountPoint.length >= best.length)
      best = { length: mountPoint.length, type: after.split(" ")[0] ?? "" };
  }
  return best.type;
}

function isInstalled(program: string): boolean {
  return (childEnvironment["PATH"] ?? "").split(":").some((directory) => existsSync(`${directory}/${program}`));
}
