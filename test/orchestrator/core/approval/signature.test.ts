// Signatures by stock gpg: the good ones pass, and every forgery, accident and trap is refused by its own code.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { verifyApproval, type ApprovalEvidence, type PinnedKeyFile } from "../../../../orchestrator/core/approval/verify.ts";
import { sha256Hex } from "../../../../orchestrator/core/encoding/digest.ts";
import { CutterError } from "../../../../orchestrator/core/errors.ts";
import { createGpgHome, type GpgHome } from "../../../support/gpg.ts";
import {
  armorSignature,
  expected,
  exportKey,
  pinned,
  ruling,
  sg1,
  sign,
  splitPackets,
  toDocument,
  toGpgTime,
  toTime,
} from "../../../support/approval-material.ts";

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
let home: GpgHome;
let sovereign: string;
let architect: string;
let stranger: string;
let sovereignKey: PinnedKeyFile;
let document: Buffer;
let signature: Buffer;

beforeAll(() => {
  home = createGpgHome();
  sovereign = home.createKey("sovereign", { algorithm: "ed25519" });
  architect = home.createKey("architect", { algorithm: "ed25519" });
  stranger = home.createKey("stranger", { algorithm: "ed25519" });
  sovereignKey = pinned(home, sovereign);
  document = toDocument(sg1());
  signature = sign(home, document, { key: sovereign });
});
afterAll(() => home.remove());

const judge = (change: Partial<ApprovalEvidence> = {}) =>
  verifyApproval({
    document,
    signatures: [signature],
    keys: { sovereign: sovereignKey, architect: null },
    expected,
    now: new Date(),
    ...change,
  });
const refusal = (change: Partial<ApprovalEvidence> = {}): Promise<unknown> =>
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
  );
const ago = (ms: number): Date => new Date(Date.now() - ms);
const only = (key: PinnedKeyFile): Pick<ApprovalEvidence, "keys"> => ({ keys: { sovereign: key, architect: null } });

describe("a signature by stock gpg", () => {
  it.each(["ed25519", "rsa4096", "nistp256"])("is accepted with %s, and says who signed, when, and over which bytes", async (algorithm) => {
    const key = home.createKey(`good ${algorithm}`, { algorithm });
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
    ["two armors", () => Buffer.concat([signature, signature]), "APPROVAL_SIGNATURE_COUNT"],
    [
      "a second signature in the armor",
      () =>
        armorSignature(
          home,
          Buffer.concat([signature, sign(home, document, { key: stranger })].map((file) => home.run(["--dearmor"], file))),
        ),
      "APPROVAL_SIGNATURE_COUNT",
    ],
    [
      "a second signature that the library does not know",
      () => armorSignature(home, Buffer.concat([home.run(["--dearmor"], signature), Buffer.from([0xc2, 0x02, 0x63, 0x00])])),
      "APPROVAL_SIGNATURE_COUNT",
    ],
    [
      "the key's self-certification",
      () => armorSignature(home, splitPackets(home, exportKey(home, sovereign))[2] ?? Buffer.alloc(0)),
      "APPROVAL_SIGNATURE_TYPE",
    ],
    ["text mode", () => sign(home, document, { key: sovereign, args: ["--textmode", "--detach-sign"] }), "APPROVAL_SIGNATURE_TYPE"],
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
      "APPROVAL_SIGNATURE_EXPIRED",
    ],
  ];
  it.each(cases)("with %s is refused", async (_what, make, code) => {
    const now = code === "APPROVAL_SIGNATURE_EXPIRED" ? new Date(Date.now() + 5000) : new Date();
    expect(await refusal({ signatures: [make()], now })).toMatchObject({ code });
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
      ).toMatchObject({ code: "APPROVAL_SIGNATURE_WEAK" });
  });

  it("is demanded, and one is enough", async () => {
    expect(await refusal({ signatures: [] })).toMatchObject({
      code: "APPROVAL_SIGNATURE_MISSING",
      facts: { expected: ["sovereign"], found: "none" },
    });
    expect(await refusal({ signatures: [signature, signature] })).toMatchObject({ code: "APPROVAL_SIGNATURE_UNWANTED" });
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
      const key = algorithm === "ed25519" ? sovereign : home.createKey("changed bytes", { algorithm });
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

describe("a pin", () => {
  it("is a full fingerprint: a key id of either length is none, nor is another key's", async () => {
    const key = pinned(home, sovereign);
    for (const fingerprint of [sovereign.slice(-16), sovereign.slice(-8), `0x${sovereign}`, sovereign.toLowerCase(), ""]) {
      expect(await refusal(only({ ...key, pin: { ...key.pin, fingerprint } }))).toMatchObject({ code: "APPROVAL_PIN_INVALID" });
    }
    expect(await refusal(only({ ...key, pin: { ...key.pin, fingerprint: stranger } }))).toMatchObject({ code: "KEY_FINGERPRINT_MISMATCH" });
  });

  it("holds the very file: a subkey more, a second key, a private key are refused", async () => {
    const key = home.createKey("to be extended", { algorithm: "ed25519" });
    const before = pinned(home, key);
    home.run(["--quick-add-key", key, "ed25519", "sign", "1y"]);
    expect(await refusal(only({ bytes: exportKey(home, key), pin: before.pin }))).toMatchObject({ code: "KEY_FILE_CHANGED" });
    const free = { fingerprint: sovereign, fileSha256: null };
    expect(await refusal(only({ bytes: Buffer.concat([exportKey(home, sovereign), exportKey(home, stranger)]), pin: free }))).toMatchObject(
      { code: "KEY_NOT_ONE_PUBLIC_KEY" },
    );
    expect(await refusal(only({ bytes: home.run(["--armor", "--export", sovereign, stranger]), pin: free }))).toMatchObject({
      code: "KEY_NOT_ONE_PUBLIC_KEY",
    });
    expect(await refusal(only({ bytes: home.run(["--armor", "--export-secret-keys", sovereign]), pin: free }))).toMatchObject({
      code: "KEY_IS_PRIVATE",
    });
  });

  it("of a weak key is refused, whatever it signed", async () => {
    const weak = home.createKey("weak key", { algorithm: "rsa2048" });
    expect(await refusal({ signatures: [sign(home, document, { key: weak })], ...only(pinned(home, weak)) })).toMatchObject({
      code: "KEY_TOO_WEAK",
    });
  });
});

describe("the key", () => {
  it("that has expired since cannot sign backdated", async () => {
    const made = ago(3 * dayMs);
    const key = home.createKey("expired since", { algorithm: "ed25519", expires: "2d", at: toGpgTime(made) });
    const at = new Date(made.getTime() + dayMs);
    const backdated = toDocument(sg1({ issued_at: toTime(at) }));
    const signatures = [sign(home, backdated, { key, at: toGpgTime(at) })];
    expect(await refusal({ document: backdated, signatures, ...only(pinned(home, key)) })).toMatchObject({ code: "KEY_EXPIRED" });
    // The same signature was good then: only "now" refuses it.
    expect(await refusal({ document: backdated, signatures, ...only(pinned(home, key)), now: new Date(at.getTime() + 1000) })).toBe(
      "accepted",
    );
  });

  it("whose subkey has expired since cannot sign backdated by it", async () => {
    const made = ago(10 * hourMs);
    const key = home.createKey("subkey expired since", { algorithm: "ed25519", at: toGpgTime(made) });
    home.run(["--faked-system-time", toGpgTime(made), "--quick-add-key", key, "ed25519", "sign", "seconds=7200"]);
    const subkey = toSubkeys(key)[0] ?? "";
    const at = new Date(made.getTime() + hourMs);
    const backdated = toDocument(sg1({ issued_at: toTime(at) }));
    const signatures = [sign(home, backdated, { key: `${subkey}!`, at: toGpgTime(at) })];
    expect(await refusal({ document: backdated, signatures, ...only(pinned(home, key)) })).toMatchObject({
      code: "APPROVAL_SIGNING_KEY_INVALID",
      facts: { key: subkey, problem: expect.stringMatching(/^expired at /) },
    });
    expect(await refusal({ document: backdated, signatures, ...only(pinned(home, key)), now: new Date(at.getTime() + 1000) })).toBe(
      "accepted",
    );
  });

  it.each([
    ["retired", "3"],
    ["compromised", "1"],
    ["superseded", "2"],
  ])("whose subkey is revoked as %s cannot sign by it, not even what it signed before", async (reason, answer) => {
    const key = home.createKey(`subkey ${reason}`, { algorithm: "ed25519" });
    home.run(["--quick-add-key", key, "ed25519", "sign", "1y"]);
    const subkey = toSubkeys(key)[0] ?? "";
    const signatures = [sign(home, document, { key: `${subkey}!` })];
    expect(await refusal({ signatures, ...only(pinned(home, key)) })).toBe("accepted");
    home.run(["--no-batch", "--command-fd", "0", "--edit-key", key], `key 1\nrevkey\ny\n${answer}\n\ny\nsave\n`);
    expect(await refusal({ signatures, ...only(pinned(home, key)) })).toMatchObject({
      code: "APPROVAL_SIGNING_KEY_INVALID",
      facts: { key: subkey, problem: "revoked" },
    });
  });

  it("that is itself revoked as retired cannot sign", async () => {
    const key = home.createKey("retired", { algorithm: "ed25519" });
    const signatures = [sign(home, document, { key })];
    const certificate = home.run(["--no-batch", "--command-fd", "0", "--gen-revoke", key], "y\n3\n\ny\n");
    home.run(["--import"], certificate);
    expect(await refusal({ signatures, ...only(pinned(home, key)) })).toMatchObject({ code: "KEY_REVOKED" });
  });

  it("that did not exist yet cannot have signed", async () => {
    const key = home.createKey("young", { algorithm: "ed25519" });
    const signatures = [sign(home, document, { key, at: toGpgTime(ago(hourMs)), args: ["--ignore-time-conflict", "--detach-sign"] })];
    expect(await refusal({ signatures, ...only(pinned(home, key)) })).toMatchObject({ code: "APPROVAL_SIGNATURE_BAD" });
  });
});

describe("time", () => {
  const signedAt = (at: Date, issuedAt = at) => {
    const dated = toDocument(sg1({ issued_at: toTime(issuedAt) }));
    return { document: dated, signatures: [sign(home, dated, { key: old, at: toGpgTime(at) })], ...only(pinned(home, old)) };
  };
  let old: string;
  beforeAll(() => {
    old = home.createKey("old enough", { algorithm: "ed25519", at: "20200101T000000" });
  });

  it("is kept by both dates: neither an old signature nor an old issued_at passes", async () => {
    expect(await refusal(signedAt(ago(25 * hourMs)))).toMatchObject({ code: "APPROVAL_TOO_OLD", facts: { field: "issued_at" } });
    expect(await refusal(signedAt(ago(25 * hourMs), ago(hourMs)))).toMatchObject({
      code: "APPROVAL_TOO_OLD",
      facts: { field: "signature" },
    });
    expect(await refusal(signedAt(ago(hourMs), ago(25 * hourMs)))).toMatchObject({
      code: "APPROVAL_TOO_OLD",
      facts: { field: "issued_at" },
    });
    expect(await refusal(signedAt(ago(23 * hourMs)))).toBe("accepted");
  });

  it("may run ahead by a minute, not more, in either date", async () => {
    expect(await refusal(signedAt(ago(-45_000)))).toBe("accepted");
    expect(await refusal(signedAt(ago(-120_000)))).toMatchObject({ code: "APPROVAL_FROM_FUTURE" });
    expect(await refusal(signedAt(ago(0), ago(-120_000)))).toMatchObject({ code: "APPROVAL_FROM_FUTURE", facts: { field: "issued_at" } });
    expect(await refusal(signedAt(ago(-120_000), ago(0)))).toMatchObject({ code: "APPROVAL_FROM_FUTURE", facts: { field: "signature" } });
  });

  it("set back refuses what was signed by the right clock", async () => {
    expect(await refusal({ now: ago(hourMs) })).toMatchObject({ code: expect.stringMatching(/^(KEY_|APPROVAL_FROM_FUTURE)/) });
    expect(await refusal({ ...signedAt(ago(0)), now: ago(hourMs) })).toMatchObject({ code: "APPROVAL_FROM_FUTURE" });
  });
});

describe("two people", () => {
  const ruled = toDocument(ruling());
  const both = () => ({ sovereign: pinned(home, sovereign), architect: pinned(home, architect) });
  const judgeRuling = (signatures: readonly Buffer[], keys: ApprovalEvidence["keys"] = both()) =>
    refusal({ document: ruled, signatures, keys, expected: { ...expected, gate: "RULING" } });

  it("sign a ruling where an architect is pinned, in either order; one does where none is, and that is said", async () => {
    const files = [sign(home, ruled, { key: sovereign }), sign(home, ruled, { key: architect })];
    expect(await judgeRuling(files)).toBe("accepted");
    expect(await judgeRuling(files.toReversed())).toBe("accepted");
    expect((await judge({ document: ruled, signatures: files, keys: both(), expected: {} })).humanSigners).toBe(2);
    expect(
      (
        await judge({
          document: ruled,
          signatures: files.slice(0, 1),
          keys: { sovereign: pinned(home, sovereign), architect: null },
          expected: {},
        })
      ).humanSigners,
    ).toBe(1);
  });

  it("are demanded: either alone, one of them twice, or a stranger for one of them does not do", async () => {
    const [first, second, foreign] = [
      sign(home, ruled, { key: sovereign }),
      sign(home, ruled, { key: architect }),
      sign(home, ruled, { key: stranger }),
    ] as const;
    expect(await judgeRuling([first])).toMatchObject({
      code: "APPROVAL_SIGNATURE_MISSING",
      facts: { expected: ["sovereign", "architect"], found: ["sovereign"] },
    });
    expect(await judgeRuling([second])).toMatchObject({ code: "APPROVAL_SIGNATURE_MISSING" });
    expect(
      await judgeRuling([first, sign(home, ruled, { key: sovereign, args: ["--digest-algo", "SHA256", "--detach-sign"] })]),
    ).toMatchObject({ code: "APPROVAL_SIGNATURE_MISSING" });
    expect(await judgeRuling([first, second, second])).toMatchObject({ code: "APPROVAL_SIGNATURE_UNWANTED" });
    expect(await judgeRuling([first, foreign])).toMatchObject({ code: "APPROVAL_SIGNER_NOT_PINNED" });
    expect(await judgeRuling([first, sign(home, document, { key: architect })])).toMatchObject({ code: "APPROVAL_SIGNATURE_BAD" });
  });

  it("are not one person with two subkeys, nor one key pinned twice", async () => {
    const key = home.createKey("two subkeys", { algorithm: "ed25519" });
    for (const usage of ["first", "second"]) home.run(["--quick-add-key", key, "ed25519", "sign", usage === "first" ? "1y" : "2y"]);
    const [one = "", two = ""] = toSubkeys(key);
    const files = [sign(home, ruled, { key: `${one}!` }), sign(home, ruled, { key: `${two}!` })];
    expect(await judgeRuling(files, { sovereign: pinned(home, key), architect: pinned(home, architect) })).toMatchObject({
      code: "APPROVAL_SIGNATURE_MISSING",
    });
    expect(await judgeRuling(files, { sovereign: pinned(home, key), architect: pinned(home, key) })).toMatchObject({
      code: "APPROVAL_SIGNERS_NOT_DISTINCT",
    });
  });

  it("do not both sign a gate: the architect's signature beside or instead of the sovereign's is refused", async () => {
    const second = sign(home, document, { key: architect });
    expect(await refusal({ signatures: [signature, second], keys: both() })).toMatchObject({ code: "APPROVAL_SIGNATURE_UNWANTED" });
    expect(await refusal({ signatures: [second], keys: both() })).toMatchObject({ code: "APPROVAL_SIGNATURE_MISSING" });
  });
});

describe("the order of verification", () => {
  it("is document, pin, signature packet, signer, digest, dates, binding: the earliest fault is the one that is told", async () => {
    const faults: readonly (readonly [code: string, change: () => Partial<ApprovalEvidence>])[] = [
      ["APPROVAL_NOT_UTF8", () => ({ document: Buffer.from([0xff]) })],
      ["APPROVAL_PIN_INVALID", () => only({ ...pinned(home, sovereign), pin: { fingerprint: sovereign.slice(-16), fileSha256: null } })],
      ["APPROVAL_SIGNATURE_TYPE", () => ({ signatures: [sign(home, document, { key: stranger, args: ["--textmode", "--detach-sign"] })] })],
      ["APPROVAL_SIGNER_NOT_PINNED", () => ({ signatures: [sign(home, document, { key: stranger })] })],
      ["APPROVAL_SIGNATURE_BAD", () => ({ signatures: [sign(home, Buffer.from("other"), { key: sovereign })] })],
      ["APPROVAL_TOO_OLD", () => ({ now: new Date(Date.now() + 2 * dayMs) })],
      ["APPROVAL_RUN_MISMATCH", () => ({ expected: { ...expected, runId: "run-9" } })],
    ];
    for (const [index, [code]] of faults.entries()) {
      // This fault and all later ones together, the earlier overriding the later.
      const together = faults
        .slice(index)
        .toReversed()
        .reduce<Partial<ApprovalEvidence>>((change, [, fault]) => ({ ...change, ...fault() }), {});
      expect(await refusal(together)).toMatchObject({ code });
    }
  });
});

/** Fingerprints of the subkeys, in gpg's order. */
function toSubkeys(fingerprint: string): readonly string[] {
  const listing = home.run(["--list-keys", "--with-colons", "--with-subkey-fingerprint", fingerprint]).toString("utf8");
  writeFileSync(join(home.directory, "listing.txt"), listing);
  return [...listing.matchAll(/^fpr:{9}([0-9A-F]{40}):/gm)].slice(1).map((match) => match[1] ?? "");
}
