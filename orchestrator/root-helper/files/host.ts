// The host as the root helpers see it: where it begins, who owns it, who cutter is. A value, so that a test can hand in a folder.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { CutterError } from "../../core/errors.ts";
import { cutterUser } from "../../core/host/layout.ts";

export interface Host {
  /** "" on the host; a folder in tests. Every path of the layout is below it. */
  readonly root: string;
  /** Who must own what root relies on: 0 on the host. */
  readonly ownerUid: number;
  readonly cutter: { readonly uid: number; readonly gid: number };
}

/** @throws HOST_FILE_MISSING without a user cutter */
export function readHost(root: string, ownerUid: number): Host {
  const line = readFileSync(join(root === "" ? "/" : root, "etc/passwd"), "utf8")
    .split("\n")
    .find((entry) => entry.startsWith(`${cutterUser}:`));
  const [, , uid, gid] = line?.split(":") ?? [];
  if (uid === undefined || gid === undefined)
    throw new CutterError("HOST_FILE_MISSING", { file: "/etc/passwd", wanted: `user ${cutterUser}` });
  return { root, ownerUid, cutter: { uid: Number(uid), gid: Number(gid) } };
}

/** @throws NOT_ROOT */
export function requireRoot(uid: number | undefined, verb: string): void {
  if (uid !== 0) throw new CutterError("NOT_ROOT", { verb });
}

/** Which boot this is, as 32 hex digits. Confinement hides it from cutter, whose locks carry it: they are told. */
export function readBoot(): string {
  return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim().replaceAll("-", "");
}

/** A path of the layout on this host. */
export function toHostPath(host: Pick<Host, "root">, path: string): string {
  return `${host.root}${path}`;
}
