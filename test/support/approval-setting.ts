// What the tests of signatures share: people with gpg keys, a good approval signed by the sovereign, and the judgement of it with changes.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { verifyApproval, type ApprovalEvidence, type PinnedKeyFile } from "../../orchestrator/core/approval/verify.ts";
import { CutterError } from "../../orchestrator/core/errors.ts";
import { expected, pinned, sg1, sign, toDocument } from "./approval-material.ts";
import { createGpgHome, type GpgHome } from "./gpg.ts";

export const hourMs = 3_600_000;
export const dayMs = 24 * hourMs;
export const ago = (ms: number): Date => new Date(Date.now() - ms);
export const only = (key: PinnedKeyFile): Pick<ApprovalEvidence, "keys"> => ({ keys: { sovereign: key, architect: null } });

export interface ApprovalSetting {
  readonly home: GpgHome;
  readonly sovereign: string;
  readonly architect: string;
  readonly stranger: string; // whom nobody pinned
  readonly sovereignKey: PinnedKeyFile;
  readonly document: Buffer;
  readonly signature: Buffer;
  judge(change?: Partial<ApprovalEvidence>): ReturnType<typeof verifyApproval>;
  /** Code and facts of the refusal, or "accepted". */
  refusal(change?: Partial<ApprovalEvidence>): Promise<unknown>;
  /** Fingerprints of the subkeys, in gpg's order. */
  toSubkeys(fingerprint: string): readonly string[];
}

export function openApprovalSetting(): ApprovalSetting {
  const home = createGpgHome();
  const sovereign = home.createKey("sovereign", { algorithm: "ed25519" });
  const architect = home.createKey("architect", { algorithm: "ed25519" });
  const stranger = home.createKey("stranger", { algorithm: "ed25519" });
  const sovereignKey = pinned(home, sovereign);
  const document = toDocument(sg1());
  const signature = sign(home, document, { key: sovereign });
  const judge: ApprovalSetting["judge"] = (change = {}) =>
    verifyApproval({
      document,
      signatures: [signature],
      keys: { sovereign: sovereignKey, architect: null },
      expected,
      now: new Date(),
      ...change,
    });
  return {
    home,
    sovereign,
    architect,
    stranger,
    sovereignKey,
    document,
    signature,
    judge,
    refusal: (change = {}) =>
      judge(change).then(
        () => "accepted",
        (error: unknown) => {
          // Whatever is refused, and however: no private key and no passphrase is near it, and it is never a success or a bug.
          if (!(error instanceof CutterError)) throw error;
          expect(error.exitCode).not.toBe(0);
          expect(error.exitCode).not.toBe(70);
          expect(error.message).not.toMatch(/PRIVATE KEY|-----BEGIN/);
          return { code: error.code, facts: error.facts };
        },
      ),
    toSubkeys: (fingerprint) => {
      const listing = home.run(["--list-keys", "--with-colons", "--with-subkey-fingerprint", fingerprint]).toString("utf8");
      writeFileSync(join(home.directory, "listing.txt"), listing);
      return [...listing.matchAll(/^fpr:{9}([0-9A-F]{40}):/gm)].slice(1).map((match) => match[1] ?? "");
    },
  };
}
