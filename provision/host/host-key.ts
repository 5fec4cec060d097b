// The pinned host key: a synchronous verifier that remembers having run, because ssh2 connects to anybody without one.
import { createHash, timingSafeEqual } from "node:crypto";

export interface HostKeyVerifier {
  /** For ssh2's `hostVerifier`: only the literal `false` refuses there, so the answer is a boolean at once, never a promise. */
  readonly verify: (offeredKey: Buffer) => boolean;
  readonly outcome: () => "not-run" | "equal" | "different";
}

/** `pinned` is `<type> <base64>`; compares sha256 digests in constant time. */
export function toHostKeyVerifier(pinned: string): HostKeyVerifier {
  const expected = toDigest(Buffer.from(pinned.split(" ")[1] ?? "", "base64"));
  let outcome: "not-run" | "equal" | "different" = "not-run";
  return {
    verify: (offeredKey) => {
      const equal = timingSafeEqual(expected, toDigest(offeredKey));
      outcome = equal ? "equal" : "different";
      return equal;
    },
    outcome: () => outcome,
  };
}

/** The algorithms to offer for a pinned key: a server with several keys must show the pinned one. */
export function toHostKeyAlgorithms(pinned: string): readonly ("ssh-ed25519" | "ecdsa-sha2-nistp256" | "rsa-sha2-512" | "rsa-sha2-256")[] {
  const type = pinned.split(" ")[0];
  if (type === "ssh-ed25519") return ["ssh-ed25519"];
  return type === "ssh-rsa" ? ["rsa-sha2-512", "rsa-sha2-256"] : ["ecdsa-sha2-nistp256"];
}

function toDigest(key: Buffer): Buffer {
  return createHash("sha256").update(key).digest();
}
