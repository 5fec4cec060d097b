// A PGPASSFILE on tmpfs for pg_dump of the host's own client: a password in PGPASSWORD or in argv could be read by others.
import { randomBytes } from "node:crypto";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { hostLayout } from "../core/host-layout.ts";
import type { Secret } from "../core/secret.ts";
import { toHostPath, type Host } from "./host.ts";

export interface PasswordFile {
  readonly path: string;
  remove(): void;
}

/** 0600, in a folder of its own that no run id can name. */
export function writePasswordFile(host: Host, user: string, password: Secret): PasswordFile {
  const folder = toHostPath(host, `${hostLayout.credentials}/_dump.${randomBytes(6).toString("hex")}`);
  mkdirSync(folder, { mode: 0o700 });
  const path = `${folder}/pgpass`;
  writeFileSync(path, `*:*:*:${escape(user)}:${escape(password.reveal())}\n`, { mode: 0o600, flag: "wx" });
  return { path, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

function escape(field: string): string {
  return field.replaceAll(/[\\:]/g, (character) => `\\${character}`);
}
