// Signatures by stock gpg: which key may sign, when it may, who must sign, and which fault is told first.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ApprovalEvidence } from "../../../../orchestrator/core/approval/verify.ts";
import { expected, exportKey, pinned, ruling, sg1, sign, toDocument, toGpgTime, toTime } from "../../../support/approval-material.ts";
import { ago, dayMs, hourMs, only, openApprovalSetting } from "../../../support/approval-setting.ts";
import { toRefusal } from "../../../support/refusal-case.ts";

const { home, sovereign, architect, stranger, document, signature, judge, refusal, toSubkeys } = openApprovalSetting();
afterAll(() => home.remove());

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
      code: "KEY_UNUSABLE",
      facts: { reason: "too_weak" },
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
    expect(await refusal({ document: backdated, signatures, ...only(pinned(home, key)) })).toMatchObject({
      code: "KEY_UNUSABLE",
      facts: { reason: "expired" },
    });
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
    expect(await refusal({ signatures, ...only(pinned(home, key)) })).toMatchObject({ code: "KEY_UNUSABLE", facts: { reason: "revoked" } });
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
      code: "APPROVAL_SIGNATURES_WRONG",
      facts: { reason: "missing", expected: ["sovereign", "architect"], found: ["sovereign"] },
    });
    expect(await judgeRuling([second])).toMatchObject({ code: "APPROVAL_SIGNATURES_WRONG", facts: { reason: "missing" } });
    expect(
      await judgeRuling([first, sign(home, ruled, { key: sovereign, args: ["--digest-algo", "SHA256", "--detach-sign"] })]),
    ).toMatchObject({ code: "APPROVAL_SIGNATURES_WRONG", facts: { reason: "missing" } });
    expect(await judgeRuling([first, second, second])).toMatchObject({ code: "APPROVAL_SIGNATURES_WRONG", facts: { reason: "unwanted" } });
    expect(await judgeRuling([first, foreign])).toMatchObject({ code: "APPROVAL_SIGNER_NOT_PINNED" });
    expect(await judgeRuling([first, sign(home, document, { key: architect })])).toMatchObject({ code: "APPROVAL_SIGNATURE_BAD" });
  });

  it("are not one person with two subkeys, nor one key pinned twice", async () => {
    const key = home.createKey("two subkeys", { algorithm: "ed25519" });
    for (const usage of ["first", "second"]) home.run(["--quick-add-key", key, "ed25519", "sign", usage === "first" ? "1y" : "2y"]);
    const [one = "", two = ""] = toSubkeys(key);
    const files = [sign(home, ruled, { key: `${one}!` }), sign(home, ruled, { key: `${two}!` })];
    expect(await judgeRuling(files, { sovereign: pinned(home, key), architect: pinned(home, architect) })).toMatchObject({
      code: "APPROVAL_SIGNATURES_WRONG",
      facts: { reason: "missing" },
    });
    expect(await judgeRuling(files, { sovereign: pinned(home, key), architect: pinned(home, key) })).toMatchObject({
      code: "APPROVAL_SIGNERS_NOT_DISTINCT",
    });
  });

  it("do not both sign a gate: the architect's signature beside or instead of the sovereign's is refused", async () => {
    const second = sign(home, document, { key: architect });
    expect(await refusal({ signatures: [signature, second], keys: both() })).toMatchObject({
      code: "APPROVAL_SIGNATURES_WRONG",
      facts: { reason: "unwanted" },
    });
    expect(await refusal({ signatures: [second], keys: both() })).toMatchObject({
      code: "APPROVAL_SIGNATURES_WRONG",
      facts: { reason: "missing" },
    });
  });
});

describe("the order of verification", () => {
  it("is document, pin, signature packet, signer, digest, dates, binding: the earliest fault is the one that is told", async () => {
    const faults: readonly (readonly [code: string, change: () => Partial<ApprovalEvidence>])[] = [
      ["APPROVAL_TEXT_INVALID reason=not_utf8", () => ({ document: Buffer.from([0xff]) })],
      ["APPROVAL_PIN_INVALID", () => only({ ...pinned(home, sovereign), pin: { fingerprint: sovereign.slice(-16), fileSha256: null } })],
      [
        "APPROVAL_SIGNATURE_MALFORMED reason=type",
        () => ({ signatures: [sign(home, document, { key: stranger, args: ["--textmode", "--detach-sign"] })] }),
      ],
      ["APPROVAL_SIGNER_NOT_PINNED", () => ({ signatures: [sign(home, document, { key: stranger })] })],
      ["APPROVAL_SIGNATURE_BAD", () => ({ signatures: [sign(home, Buffer.from("other"), { key: sovereign })] })],
      ["APPROVAL_TOO_OLD", () => ({ now: new Date(Date.now() + 2 * dayMs) })],
      ["APPROVAL_FOR_ANOTHER field=run_id", () => ({ expected: { ...expected, runId: "run-9" } })],
    ];
    for (const [index, [code]] of faults.entries()) {
      // This fault and all later ones together, the earlier overriding the later.
      const together = faults
        .slice(index)
        .toReversed()
        .reduce<Partial<ApprovalEvidence>>((change, [, fault]) => ({ ...change, ...fault() }), {});
      expect(await refusal(together)).toMatchObject(toRefusal(code));
    }
  });
});
