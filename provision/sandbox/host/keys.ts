// OpenPGP test keys of one sandbox (backup recipient, sovereign, architect), made and used by stock gpg. They exist here only.
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mustRun, runCommand } from "../base/process.ts";

export const keyRoles = ["backup", "sovereign", "architect"] as const;
export type KeyRole = (typeof keyRoles)[number];

/** A public key file and its primary fingerprint; the private half lies beside it as `<role>.secret.asc`, 0600, outside the host. */
export interface SandboxKey {
  readonly file: string;
  readonly fingerprint: string; // 40 upper-case hex digits
}

/** Makes the role's key pair: ed25519 (and cv25519 for the backup recipient), valid two years, without passphrase. */
export async function makeKey(role: KeyRole, keysDirectory: string): Promise<SandboxKey> {
  const userId = `Sandbox ${role} (test key, no authority) <${role}@sandbox.test>`;
  return withGpgHome(async (gpg) => {
    const usage = role === "backup" ? ["future-default", "default"] : ["ed25519", "sign"];
    await gpg("make key", ["--passphrase", "", "--quick-generate-key", userId, ...usage, "2y"]);
    const listing = await gpg("list key", ["--list-keys", "--with-colons"]);
    const fingerprint = /^fpr:+([0-9A-F]{40}):/m.exec(listing)?.[1] ?? "";
    const file = join(keysDirectory, `${role}.asc`);
    writeFileSync(file, await gpg("export public key", ["--armor", "--export", fingerprint]), { mode: 0o644 });
    writeFileSync(toSecretFile(role, keysDirectory), await gpg("export private key", ["--armor", "--export-secret-keys", fingerprint]), {
      mode: 0o600,
    });
    return { file, fingerprint };
  });
}

/** Writes `<file>.<role>.asc`: a detached binary signature, armored (decision 19). Returns its path. Replaces an older one. */
export async function signFile(file: string, role: KeyRole, keysDirectory: string): Promise<string> {
  const signatureFile = `${file}.${role}.asc`;
  await withGpgHome(async (gpg) => {
    await gpg("import private key", ["--import", toSecretFile(role, keysDirectory)]);
    await gpg("sign", ["--yes", "--armor", "--output", signatureFile, "--detach-sign", file]);
  });
  return signatureFile;
}

function toSecretFile(role: KeyRole, keysDirectory: string): string {
  return join(keysDirectory, `${role}.secret.asc`);
}

type Gpg = (what: string, args: readonly string[]) => Promise<string>;

/** A gpg home for one job: short path (the agent's socket must stay under 108 bytes), own agent, nothing left of either afterwards. */
async function withGpgHome<Result>(work: (gpg: Gpg) => Promise<Result>): Promise<Result> {
  const home = mkdtempSync(join(tmpdir().length < 40 ? tmpdir() : "/tmp", "ck-gpg-"));
  chmodSync(home, 0o700);
  mkdirSync(join(home, "private-keys-v1.d"), { mode: 0o700 });
  try {
    return await work((what, args) =>
      mustRun(`gpg: ${what}`, [
        "gpg",
        "--homedir",
        home,
        "--batch",
        "--no-tty",
        "--quiet",
        "--pinentry-mode",
        "loopback",
        "--trust-model",
        "always",
        ...args,
      ]),
    );
  } finally {
    await runCommand(["gpgconf", "--homedir", home, "--kill", "all"]);
    rmSync(home, { recursive: true, force: true });
  }
}
