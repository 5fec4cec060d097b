// The key of one run: made on tmpfs for the proof of its backup, and gone with its home.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { CutterError } from "../../core/errors.ts";
import { refuseDisk } from "../../core/host/disk-error.ts";
import type { Gpg } from "./run-gpg.ts";

const makeDeadlineMs = 60_000;

export interface RunKey {
  readonly file: string; // its public half, armored, in gpg's home
  readonly encryptionKeyId: string; // 16 upper-case hex digits
}

/** Without passphrase: whoever can read its home can read the dump itself. One day, should it ever be left behind. */
const parameters = `%no-protection
Key-Type: EDDSA
Key-Curve: ed25519
Subkey-Type: ECDH
Subkey-Curve: cv25519
Name-Real: cutter run key
Expire-Date: 1d
%commit
`;

/** @throws ENCRYPTION_FAILED, PROCESS_* */
export async function makeRunKey(gpg: Gpg): Promise<RunKey> {
  await mustRun(gpg, "make the run key", ["--generate-key"], Buffer.from(parameters));
  const listing = (await mustRun(gpg, "list the run key", ["--with-colons", "--list-keys"], null)).toString("utf8");
  const encryptionKeyId = /^sub:[^:]*:[^:]*:18:([0-9A-F]{16}):/m.exec(listing)?.[1];
  if (encryptionKeyId === undefined) throw new CutterError("ENCRYPTION_FAILED", { step: "list the run key", exit_code: 0, stderr: "" });
  const file = join(gpg.home, "run.asc");
  const bytes = await mustRun(gpg, "export the run key", ["--armor", "--export"], null);
  await writeFile(file, bytes, { mode: 0o600, flag: "wx" }).catch(refuseDisk(file));
  return { file, encryptionKeyId };
}

async function mustRun(gpg: Gpg, step: string, args: readonly string[], stdin: Buffer | null): Promise<Buffer> {
  const { code, stdout, stderr } = await gpg.run({ args, stdin, stdout: "keep", deadlineMs: makeDeadlineMs, agent: true });
  if (code !== 0) throw new CutterError("ENCRYPTION_FAILED", { step, exit_code: code, stderr: stderr.slice(0, 400) });
  return stdout;
}
