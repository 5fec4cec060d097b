// Encrypts the backup stream with the host's own gpg, to the pinned recipient alone: what a dry run measures.
import { readFile, rm } from "node:fs/promises";
import { CutterError } from "../../core/errors.ts";
import { readPinnedKey, type PinnedKey } from "../../core/signing/public-key.ts";
import type { Encryptor } from "../../ports/backup.ts";
import type { Clock } from "../../ports/clock.ts";
import { toErrorCode } from "../node-files/node-files.ts";
import { encryptStream } from "./encrypt-stream.ts";
import { publish } from "./publish.ts";
import { listRecipients, requireRecipients, withGpgHome } from "./run-gpg.ts";

export interface GpgOptions {
  /** Parent of the throw-away home: short, because gpg's agent socket must stay under 108 bytes. */
  readonly homeParent: string;
  readonly clock: Clock;
  /** Ends a gpg that is at work. */
  readonly signal?: AbortSignal;
}

/** @throws KEY_* for the recipient, ENCRYPTION_FAILED, PROCESS_*; on any of them no file is left at the destination. */
export function gpgEncryptor(options: GpgOptions): Encryptor {
  return {
    async encrypt(plaintext, { recipientKeyFile, recipientFingerprint, destination }) {
      const partial = destination === null ? null : `${destination}.partial`;
      try {
        const key = await readRecipient(options.clock, recipientKeyFile, recipientFingerprint);
        return await withGpgHome(options.homeParent, options.signal, async (gpg) => {
          const { ciphertextSha256, ciphertextBytes, head } = await encryptStream(gpg, plaintext, [recipientKeyFile], partial);
          const recipientKeyIds = await listRecipients(gpg, head);
          requireRecipients(recipientKeyIds, [key.encryptionKeyIds]);
          if (partial !== null && destination !== null) await publish(partial, destination);
          return { ciphertextSha256, ciphertextBytes, recipientKeyIds };
        });
      } finally {
        plaintext.destroy(); // whatever refused: nobody may wait for a reader that is gone
        if (partial !== null) await rm(partial, { force: true });
      }
    },
  };
}

/** The pinned recipient, judged now. @throws KEY_FILE_UNREADABLE, KEY_* */
export async function readRecipient(clock: Clock, file: string, fingerprint: string): Promise<PinnedKey> {
  const bytes = await readFile(file).catch((cause: unknown) => {
    throw new CutterError("KEY_FILE_UNREADABLE", { file, problem: toErrorCode(cause) ?? "unknown" }, { cause });
  });
  return readPinnedKey(bytes, { fingerprint, fileSha256: null }, "encrypt", clock.now());
}
