// /run/cutter/cred/<name>/: one 0400 file per secret, on tmpfs. systemd copies them into the unit; they go when the run ends.
import { chmodSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { writing } from "../../core/host/disk-error.ts";
import { hostLayout } from "../../core/host/layout.ts";
import type { EnvName } from "../../core/host/secret-names.ts";
import type { Secret } from "../../core/host/secret.ts";
import { toHostPath, type Host } from "../files/host.ts";

/** Replaces whatever an earlier start left. `name` is a checked run id. @throws DISK_FULL; then the caller removes what there is */
export function writeCredentials(host: Host, name: string, values: ReadonlyMap<EnvName, Secret>): string {
  removeCredentials(host, name);
  const folder = toFolder(host, name);
  writing(`${hostLayout.credentials}/${name}`, () => {
    mkdirSync(folder, { mode: 0o700 });
    writeSecrets(folder, values);
  });
  return folder;
}

/** Into an empty folder that only root reads. */
export function writeSecrets(folder: string, values: ReadonlyMap<EnvName, Secret>): void {
  for (const [envName, value] of values) {
    const file = join(folder, envName);
    writeFileSync(file, value.reveal(), { mode: 0o400, flag: "wx" });
    chmodSync(file, 0o400);
  }
}

/** May be repeated; nothing there is fine. */
export function removeCredentials(host: Host, name: string): void {
  rmSync(toFolder(host, name), { recursive: true, force: true });
}

function toFolder(host: Host, name: string): string {
  return toHostPath(host, `${hostLayout.credentials}/${name}`);
}
