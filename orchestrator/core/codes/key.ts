// Codes of OpenPGP keys, of encryption, and of the programs the orchestrator starts.
import type { CodeEntry } from "./entry.ts";

export const keyCodes = {
  KEY_FILE_CHANGED: {
    summary: "the key file is not the pinned one",
    remedy: "compare the key with its owner over a trusted line, then pin its sha256 again",
    exit: 78,
  },
  KEY_FILE_UNREADABLE: {
    summary: "the pinned key's file is not there or cannot be read",
    remedy: "pulumi up writes it from the stack's keys; look at the named path on the host",
    exit: 78,
  },
  KEY_NOT_ONE_PUBLIC_KEY: {
    summary: "the file does not hold exactly one armored OpenPGP public key",
    remedy: "export it alone: gpg --armor --export FINGERPRINT",
    exit: 78,
  },
  KEY_IS_PRIVATE: { summary: "this is a private key", remedy: "remove it from here at once; the kit takes public keys only", exit: 78 },
  KEY_FINGERPRINT_MISMATCH: {
    summary: "the key has another fingerprint than the pinned one",
    remedy: "pin the full fingerprint of the primary key: gpg --show-keys FILE",
    exit: 78,
  },
  KEY_UNUSABLE: {
    summary: "the key cannot be used for this purpose now: reason says why (revoked, expired, too_weak), or it has no valid subkey",
    remedy:
      "get the prolonged or a new key from its owner, of ed25519 with cv25519 or RSA of at least 3072 bits, with a valid " +
      "subkey for the purpose, and pin it",
    exit: 78,
  },
  ENCRYPTION_FAILED: {
    summary: "gpg did not encrypt the backup, or not to exactly the pinned recipients",
    remedy: "look at the facts, the pinned key and the host's gpg; nothing was written to the database",
    exit: 10,
  },
  PROCESS_FAILED: {
    summary: "a program did not do its work: reason says how (not_started, deadline, killed, output_too_large)",
    remedy:
      "check that the program is installed on the host and is the one you expect; look at the load of the host and into its " +
      "journal, then run again",
    exit: 10,
  },
} as const satisfies Record<string, CodeEntry>;
