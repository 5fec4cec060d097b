// Stock gpg with throw-away homes, for tests that need real keys.
import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface GpgHome {
  readonly directory: string;
  run(args: readonly string[], input?: Buffer | string): Buffer;
  /** Makes a key without passphrase; gives its primary fingerprint. `at` fakes gpg's clock, e.g. "20200101T000000". */
  createKey(userId: string, options?: { readonly algorithm?: string; readonly expires?: string; readonly at?: string }): string;
  /** Writes the armored public key and gives the file's path. */
  exportKey(fingerprint: string, name: string): string;
  remove(): void;
}

/** The home lies under /tmp with a short name: gpg's agent socket must stay under 108 bytes. */
export function createGpgHome(): GpgHome {
  const directory = mkdtempSync("/tmp/cg");
  chmodSync(directory, 0o700);
  const run = (args: readonly string[], input: Buffer | string = "") =>
    execFileSync("gpg", ["--homedir", directory, "--batch", "--no-tty", "--pinentry-mode", "loopback", "--passphrase", "", ...args], {
      input,
      stdio: ["pipe", "pipe", "pipe"],
      maxBuffer: 64 * 1024 * 1024,
    });
  return {
    directory,
    run,
    createKey(userId, { algorithm = "future-default", expires = "never", at } = {}) {
      const time = at === undefined ? [] : ["--faked-system-time", at];
      run([...time, "--quick-generate-key", userId, algorithm, "default", expires]);
      const colons = run(["--list-keys", "--with-colons", `=${userId}`]).toString("utf8");
      const fingerprint = /^fpr:{9}([0-9A-F]{40}):/m.exec(colons)?.[1];
      if (fingerprint === undefined) throw new Error("gpg made no key");
      return fingerprint;
    },
    exportKey(fingerprint, name) {
      const file = join(directory, name);
      writeFileSync(file, run(["--armor", "--export", fingerprint]));
      return file;
    },
    remove() {
      execFileSync("gpgconf", ["--homedir", directory, "--kill", "all"], { stdio: "ignore" });
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
