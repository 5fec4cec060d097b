// A PGPASSFILE on tmpfs for pg_dump of the host's own client: a password in PGPASSWORD or in argv could be read by others.
import { writeFileSync } from "node:fs";
import type { Secret } from "../../core/host/secret.ts";
import { createTempSecretFolder } from "../files/temp-secret-folder.ts";
import type { Host } from "../files/host.ts";

export interface PasswordFile {
  readonly path: string;
  remove(): void;
}

/** 0600, in a folder of its own that goes with this process, by `remove` or by a signal. */
export function writePasswordFile(host: Host, user: string, password: Secret): PasswordFile {
  const line = `*:*:*:${escape(user)}:${escape(password.reveal())}\n`;
  const folder = createTempSecretFolder(host, "dump", (path) => writeFileSync(toFile(path), line, { mode: 0o600, flag: "wx" }));
  return { path: toFile(folder.path), remove: folder.remove };
}

function toFile(folder: string): string {
  return `${folder}/pgpass`;
}

function escape(field: string): string {
  return field.replaceAll(/[\\:]/g, (character) => `\\${character}`);
}
