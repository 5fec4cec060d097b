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
  KEY_REVOKED: { summary: "the key is revoked", remedy: "get the owner's new key and pin it", exit: 78 },
  KEY_EXPIRED: { summary: "the key has expired", remedy: "get the prolonged or the new key from its owner and pin it", exit: 78 },
  KEY_TOO_WEAK: {
    summary: "the key is weaker than the kit accepts",
    remedy: "use ed25519 with cv25519, or RSA of at least 3072 bits",
    exit: 78,
  },
  KEY_UNUSABLE: {
    summary: "the key cannot be used for this purpose now",
    remedy: "get a key with a valid subkey for the purpose and pin it",
    exit: 78,
  },
  ENCRYPTION_FAILED: {
    summary: "gpg did not encrypt the backup",
    remedy: "look at the facts; nothing was written to the database",
    exit: 10,
  },
  ENCRYPTION_WRONG_RECIPIENT: {
    summary: "the backup is not encrypted to exactly the pinned recipients",
    remedy: "check the pinned key and the host's gpg; nothing was written to the database",
    exit: 10,
  },
  PROCESS_NOT_STARTED: { summary: "a program could not be started", remedy: "check that it is installed on the host", exit: 10 },
  PROCESS_DEADLINE: {
    summary: "a program did not end in time and was killed",
    remedy: "look at the load of the host, then run again",
    exit: 10,
  },
  PROCESS_KILLED: {
    summary: "a program was killed by a signal",
    remedy: "look into the journal of the host for the reason, then run again",
    exit: 10,
  },
  PROCESS_OUTPUT_TOO_LARGE: {
    summary: "a program printed more than is kept",
    remedy: "this is not expected of it; look at what it is on the host",
    exit: 10,
  },
} as const satisfies Record<string, CodeEntry>;
