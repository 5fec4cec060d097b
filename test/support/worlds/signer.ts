// People who sign, in memory: a key, its public file, and detached signatures as stock gpg armors them.
import { armor, createMessage, enums, generateKey, readPrivateKey, sign } from "openpgp";
import type { PinnedKeyFile } from "../../../orchestrator/core/approval/verify.ts";
import { sha256Hex } from "../../../orchestrator/core/encoding/digest.ts";

export interface Signer {
  readonly file: PinnedKeyFile;
  sign(document: string, at: Date): Promise<string>;
}

export async function makeSigner(name: string, at: Date): Promise<Signer> {
  const { privateKey, publicKey } = await generateKey({
    userIDs: [{ name, email: `${name}@example.org` }],
    type: "ecc",
    curve: "ed25519Legacy",
    format: "armored",
    date: at,
  });
  const key = await readPrivateKey({ armoredKey: privateKey });
  const bytes = Buffer.from(publicKey, "utf8");
  return {
    file: { bytes, pin: { fingerprint: key.getFingerprint().toUpperCase(), fileSha256: sha256Hex(bytes) } },
    sign: async (document, date) => {
      const signature = await sign({
        message: await createMessage({ binary: Buffer.from(document, "utf8") }),
        signingKeys: key,
        detached: true,
        format: "binary",
        date,
      });
      const bytes = Buffer.from(signature);
      const checksum =
        /^=[A-Za-z0-9+/]{4}$/m.exec(armor(enums.armor.signature, bytes, undefined, undefined, undefined, true).replaceAll("\r", ""))?.[0] ??
        "";
      const lines = bytes.toString("base64").match(/.{1,64}/g) ?? []; // gpg's width
      return ["-----BEGIN PGP SIGNATURE-----", "", ...lines, checksum, "-----END PGP SIGNATURE-----", ""].join("\n");
    },
  };
}
