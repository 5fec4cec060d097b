// Signatures by stock gpg: the good ones pass, and every forged, damaged or weak signature file is refused by its own code.
import * as fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { sha256Hex } from "../../../../orchestrator/core/encoding/digest.ts";
import { armorSignature, exportKey, pinned, sg1, sign, splitPackets, toDocument } from "../../../support/approval-material.ts";
import { only, openApprovalSetting } from "../../../support/approval-setting.ts";
import { toRefusal } from "../../../support/refusal-case.ts";

const { home, sovereign, stranger, document, signature, judge, refusal, toSubkeys } = openApprovalSetting();
afterAll(() => home.remove());

const made = new Map<string, string>();
/** A key of this kind: an RSA key of 4096 bits takes gpg seconds, so one serves all tests. */
const keyOf = (algorithm: string): string => {
  const key = made.get(algorithm) ?? home.createKey(`good ${algorithm}`, { algorithm });
  made.set(algorithm, key);
  return key;
};

describe("a signature by stock gpg", () => {
  it.each(["ed25519", "rsa4096", "nistp256"])("is accepted with %s, and says who signed, when, and over which bytes", async (algorithm) => {
    const key = keyOf(algorithm);
    const verified = await judge({ signatures: [sign(home, document, { key })], ...only(pinned(home, key)) });
    expect(verified).toMatchObject({
      documentSha256: sha256Hex(document),
      humanSigners: 1,
      signers: [{ role: "sovereign", fingerprint: key, signingKeyFingerprint: key }],
      decision: { run_id: "run-1" },
    });
    expect(verified.compared).toEqual(["gate", "run_id", "document_id", "phase", "decision", "host", "release_sha256", "payload_sha"]);
    expect(Math.abs((verified.signers[0]?.signedAt.getTime() ?? 0) - Date.now())).toBeLessThan(60_000);
  });

  it("is accepted from a signing subkey, and named by its primary key", async () => {
    const key = home.createKey("with subkey", { algorithm: "ed25519" });
    home.run(["--quick-add-key", key, "ed25519", "sign", "1y"]);
    const subkey = toSubkeys(key)[0] ?? "";
    const verified = await judge({ signatures: [sign(home, document, { key: `${subkey}!` })], ...only(pinned(home, key)) });
    expect(verified.signers).toMatchObject([{ fingerprint: key, signingKeyFingerprint: subkey }]);
  });

  it("is accepted with CRLF in its armor, as gpg writes it elsewhere", async () => {
    expect(await refusal({ signatures: [Buffer.from(signature.toString("latin1").replaceAll("\n", "\r\n"), "latin1")] })).toBe("accepted");
  });
});

describe("a signature file", () => {
  const cases: readonly (readonly [what: string, make: () => Buffer, code: string])[] = [
    ["empty", () => Buffer.alloc(0), "APPROVAL_SIGNATURE_MALFORMED"],
    [
      "an empty armor",
      () => Buffer.from("-----BEGIN PGP SIGNATURE-----\n\n=twTO\n-----END PGP SIGNATURE-----\n"),
      "APPROVAL_SIGNATURE_MALFORMED",
    ],
    ["without armor", () => home.run(["--dearmor"], signature), "APPROVAL_SIGNATURE_MALFORMED"],
    ["junk before the armor", () => Buffer.concat([Buffer.from("junk\n"), signature]), "APPROVAL_SIGNATURE_MALFORMED"],
    ["junk behind the armor", () => Buffer.concat([signature, Buffer.from("junk\n")]), "APPROVAL_SIGNATURE_MALFORMED"],
    ["a blank line behind the armor", () => Buffer.concat([signature, Buffer.from("\n")]), "APPROVAL_SIGNATURE_MALFORMED"],
    [
      "an armor header",
      () => Buffer.from(signature.toString("latin1").replace("-----\n", "-----\nComment: x\n"), "latin1"),
      "APPROVAL_SIGNATURE_MALFORMED",
    ],
    ["no checksum", () => Buffer.from(signature.toString("latin1").replace(/^=.{4}\n/m, ""), "latin1"), "APPROVAL_SIGNATURE_MALFORMED"],
    ["mixed line ends", () => Buffer.from(signature.toString("latin1").replace("\n", "\r\n"), "latin1"), "APPROVAL_SIGNATURE_MALFORMED"],
    ["too large", () => Buffer.concat([signature, Buffer.alloc(20_000, "\n")]), "APPROVAL_SIGNATURE_MALFORMED"],
    ["a signature cut off", () => armorSignature(home, home.run(["--dearmor"], signature).subarray(0, -3)), "APPROVAL_SIGNATURE_MALFORMED"],
    [
      "a signature and bytes behind it",
      () => armorSignature(home, Buffer.concat([home.run(["--dearmor"], signature), Buffer.from([0])])),
      "APPROVAL_SIGNATURE_MALFORMED",
    ],
    ["the cleartext form", () => sign(home, document, { key: sovereign, args: ["--clearsign"] }), "APPROVAL_SIGNATURE_MALFORMED"],
    ["the inline form", () => sign(home, document, { key: sovereign, args: ["--sign"] }), "APPROVAL_SIGNATURE_MALFORMED"],
    ["a public key", () => exportKey(home, sovereign), "APPROVAL_SIGNATURE_MALFORMED"],
    [
      "a user id as a packet",
      () => armorSignature(home, splitPackets(home, exportKey(home, sovereign))[1] ?? Buffer.alloc(0)),
      "APPROVAL_SIGNATURE_MALFORMED",
    ],
    ["two armors", () => Buffer.concat([signature, signature]), "APPROVAL_SIGNATURE_MALFORMED reason=count"],
    [
      "a second signature in the armor",
      () =>
        armorSignature(
          home,
          Buffer.concat([signature, sign(home, document, { key: stranger })].map((file) => home.run(["--dearmor"], file))),
        ),
      "APPROVAL_SIGNATURE_MALFORMED reason=count",
    ],
    [
      "a second signature that the library does not know",
      () => armorSignature(home, Buffer.concat([home.run(["--dearmor"], signature), Buffer.from([0xc2, 0x02, 0x63, 0x00])])),
      "APPROVAL_SIGNATURE_MALFORMED reason=count",
    ],
    [
      "the key's self-certification",
      () => armorSignature(home, splitPackets(home, exportKey(home, sovereign))[2] ?? Buffer.alloc(0)),
      "APPROVAL_SIGNATURE_MALFORMED reason=type",
    ],
    [
      "text mode",
      () => sign(home, document, { key: sovereign, args: ["--textmode", "--detach-sign"] }),
      "APPROVAL_SIGNATURE_MALFORMED reason=type",
    ],
    ["a stranger's", () => sign(home, document, { key: stranger }), "APPROVAL_SIGNER_NOT_PINNED"],
    ["one over other bytes", () => sign(home, toDocument(sg1({ run_id: "run-2" })), { key: sovereign }), "APPROVAL_SIGNATURE_BAD"],
    [
      "one over the document without its last newline",
      () => sign(home, document.subarray(0, -1), { key: sovereign }),
      "APPROVAL_SIGNATURE_BAD",
    ],
    [
      "one that has expired",
      () => sign(home, document, { key: sovereign, args: ["--default-sig-expire", "seconds=1", "--detach-sign"] }),
      "APPROVAL_SIGNATURE_MALFORMED reason=expired",
    ],
  ];
  it.each(cases)("with %s is refused", async (_what, make, code) => {
    const now = code === "APPROVAL_SIGNATURE_MALFORMED reason=expired" ? new Date(Date.now() + 5000) : new Date();
    expect(await refusal({ signatures: [make()], now })).toMatchObject(toRefusal(code));
  });

  it("that is cut off is refused before the library reads it", async () => {
    const packet = home.run(["--dearmor"], signature);
    for (const length of [1, 2, packet.length - 1]) {
      expect(await refusal({ signatures: [armorSignature(home, packet.subarray(0, length))] })).toMatchObject({
        code: "APPROVAL_SIGNATURE_MALFORMED",
        facts: { problem: "a packet is cut off" },
      });
    }
  });

  it("of a weak digest is refused", async () => {
    const key = home.createKey("weak digest", { algorithm: "rsa3072" });
    for (const digest of ["SHA1", "RIPEMD160"])
      expect(
        await refusal({
          signatures: [sign(home, document, { key, args: ["--digest-algo", digest, "--detach-sign"] })],
          ...only(pinned(home, key)),
        }),
      ).toMatchObject({ code: "APPROVAL_SIGNATURE_MALFORMED", facts: { reason: "weak_digest" } });
  });

  it("is demanded, and one is enough", async () => {
    expect(await refusal({ signatures: [] })).toMatchObject({
      code: "APPROVAL_SIGNATURES_WRONG",
      facts: { reason: "missing", expected: ["sovereign"], found: "none" },
    });
    expect(await refusal({ signatures: [signature, signature] })).toMatchObject({
      code: "APPROVAL_SIGNATURES_WRONG",
      facts: { reason: "unwanted" },
    });
    expect(await refusal({ signatures: [signature, sign(home, document, { key: stranger })] })).toMatchObject({
      code: "APPROVAL_SIGNER_NOT_PINNED",
    });
  });
});

describe("no single byte", () => {
  const flip = (bytes: Buffer, position: number, value: number): Buffer => {
    const changed = Buffer.from(bytes);
    changed[position] = value;
    return changed;
  };
  const anotherByte = (of: () => Buffer) =>
    fc.tuple(fc.nat(100_000), fc.integer({ min: 1, max: 255 })).map(([place, change]) => {
      const position = place % of().length;
      return { position, value: (of()[position] ?? 0) ^ change };
    });

  it("of the document can be changed", async () => {
    await fc.assert(
      fc.asyncProperty(
        anotherByte(() => document),
        async ({ position, value }) => {
          expect(await refusal({ document: flip(document, position, value) })).not.toBe("accepted");
        },
      ),
      { numRuns: 300 },
    );
  });

  it.each(["ed25519", "rsa4096"])(
    "of the signature can be changed, wherever it stands, with %s",
    async (algorithm) => {
      const key = algorithm === "ed25519" ? sovereign : keyOf(algorithm);
      const signed = sign(home, document, { key });
      const keys = only(pinned(home, key));
      expect(await refusal({ signatures: [signed], ...keys })).toBe("accepted");
      const changes = [...signed].flatMap((original, position) =>
        [original ^ 1, original ^ 0x20, "A".charCodeAt(0), "\n".charCodeAt(0)]
          .filter((value) => value !== original)
          .map((value) => ({ position, value })),
      );
      for (const { position, value } of changes)
        expect(
          await refusal({ signatures: [flip(signed, position, value)], ...keys }),
          `byte ${String(position)} to ${String(value)}`,
        ).not.toBe("accepted");
      await fc.assert(
        fc.asyncProperty(
          anotherByte(() => signed),
          async ({ position, value }) => {
            expect(await refusal({ signatures: [flip(signed, position, value)], ...keys })).not.toBe("accepted");
          },
        ),
        { numRuns: 300 },
      );
    },
    180_000,
  ); // some 3,000 verifications

  it("of either can be left out or put in", async () => {
    await fc.assert(
      fc.asyncProperty(fc.boolean(), fc.nat(100_000), fc.option(fc.integer({ min: 0, max: 255 })), async (ofDocument, place, inserted) => {
        const bytes = ofDocument ? document : signature;
        const position = place % (bytes.length + (inserted === null ? 0 : 1));
        const changed = Buffer.concat([
          bytes.subarray(0, position),
          Buffer.from(inserted === null ? [] : [inserted]),
          bytes.subarray(position + (inserted === null ? 1 : 0)),
        ]);
        expect(await refusal(ofDocument ? { document: changed } : { signatures: [changed] })).not.toBe("accepted");
      }),
      { numRuns: 400 },
    );
  });
});

describe("the bytes that are judged", () => {
  it("are the bytes that were given, even if the caller's buffer is overwritten meanwhile", async () => {
    const buffer = Buffer.from(document);
    const judging = judge({ document: buffer });
    buffer.fill(0x20);
    expect((await judging).documentSha256).toBe(sha256Hex(document));
  });
});
