// Key pairs by stock ssh-keygen: ssh2's own generator now and then writes a private key that nobody can read again.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface SshKeyPair {
  readonly private: string; // OpenSSH's format, no passphrase
  readonly public: string; // one line: type and base64, no comment
}

export function createSshKeyPair(): SshKeyPair {
  const folder = mkdtempSync(join(tmpdir(), "cutter-ssh-key-"));
  try {
    const file = join(folder, "key");
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", file]);
    return { private: readFileSync(file, "utf8"), public: readFileSync(`${file}.pub`, "utf8").trim() };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
