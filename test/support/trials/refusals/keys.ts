// Key files that are refused before anything is written, made by stock gpg for each row.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { sha256Hex } from "../../../../orchestrator/core/encoding/digest.ts";
import { withStackConfig, type RefusalTrial } from "../refusal.ts";
import { createGpgHome, type GpgHome } from "../../gpg.ts";

interface Offered {
  readonly bytes: Buffer;
  readonly fingerprint: string; // what the stack pins
}

/** `offer` is pinned as the backup key, consistently in all places, so that only the key itself is wrong. */
function keyRow(name: string, code: string, says: readonly string[], offer: (home: GpgHome) => Offered): RefusalTrial {
  return {
    name,
    code,
    says: ["cutter-kit:keys.backup", "refused.asc", ...says],
    make: () => {
      const home = createGpgHome();
      const { bytes, fingerprint } = offer(home);
      const path = join(home.directory, "refused.asc");
      writeFileSync(path, bytes);
      const restore = withStackConfig({
        "cutter-kit:keys.backup": { path, sha256: sha256Hex(bytes), fingerprint },
        "orchestrator:backup_gpg_fpr": fingerprint,
      });
      return () => {
        restore();
        home.remove();
      };
    },
  };
}

const exported = (home: GpgHome, ...fingerprints: readonly string[]) => home.run(["--armor", "--export", ...fingerprints]);
const offered = (home: GpgHome, fingerprint: string): Offered => ({ bytes: exported(home, fingerprint), fingerprint });

export const keyRefusals: readonly RefusalTrial[] = [
  keyRow("a private key as a public one", "KEY_IS_PRIVATE", ["remove it from here at once"], (home) => {
    const fingerprint = home.createKey("private");
    return { bytes: home.run(["--armor", "--export-secret-keys", fingerprint]), fingerprint };
  }),
  keyRow("two keys in one file", "KEY_NOT_ONE_PUBLIC_KEY", ["keys=2"], (home) => {
    const [first, second] = [home.createKey("first"), home.createKey("second")];
    return { bytes: exported(home, first, second), fingerprint: first };
  }),
  keyRow("an expired key", "KEY_UNUSABLE reason=expired", ["expired_at="], (home) =>
    offered(home, home.createKey("expired", { expires: "1d", at: "20200101T000000" })),
  ),
  keyRow("a revoked key", "KEY_UNUSABLE reason=revoked", ["fingerprint="], (home) => {
    const fingerprint = home.createKey("revoked");
    home.run(
      ["--import"],
      readFileSync(`${home.directory}/openpgp-revocs.d/${fingerprint}.rev`, "utf8").replace(":-----BEGIN", "-----BEGIN"),
    );
    return offered(home, fingerprint);
  }),
  keyRow("a weak backup key (RSA 1024)", "KEY_UNUSABLE reason=too_weak", ["bits=1024"], (home) =>
    offered(home, home.createKey("weak", { algorithm: "rsa1024" })),
  ),
  keyRow("a backup key that cannot encrypt", "KEY_UNUSABLE", ["purpose=encrypt"], (home) =>
    offered(home, home.createKey("signs only", { algorithm: "ed25519" })),
  ),
  keyRow("a fingerprint that is not the file's", "KEY_FINGERPRINT_MISMATCH", ["expected=", "found="], (home) => ({
    ...offered(home, home.createKey("one")),
    fingerprint: home.createKey("two"),
  })),
];
