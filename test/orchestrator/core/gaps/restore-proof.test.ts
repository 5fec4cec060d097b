// The proof that the owner can still decrypt a backup: what counts, what does not, and what the survey says of each.
import { mkdirSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sha256Hex } from "../../../../orchestrator/core/encoding/digest.ts";
import { CutterError } from "../../../../orchestrator/core/errors.ts";
import { parseHostFacts, type HostFacts } from "../../../../orchestrator/core/host/facts.ts";
import { toRestoreProofDraft } from "../../../../orchestrator/core/gaps/restore-proof-draft.ts";
import {
  verifyArchivedRestoreProofs,
  restoreProofFiles,
  toRestoreStaging,
  verifyRestoreProof,
  type RestoreProofEvidence,
} from "../../../../orchestrator/core/gaps/restore-proof.ts";
import { noRulings } from "../../../../orchestrator/core/gaps/archived-rulings.ts";
import { parseRunId } from "../../../../orchestrator/core/run-id.ts";
import { toSurveyFindings } from "../../../../orchestrator/core/survey/findings.ts";
import { archiveRestoreProof } from "../../../../orchestrator/root-helper/arming/archive-restore-proof.ts";
import { exportKey, sign, toTime } from "../../../support/approval-material.ts";
import { configText, makeHostFolder } from "../../../support/host-folder.ts";
import { createGpgHome, type GpgHome } from "../../../support/gpg.ts";
import { readyLines } from "../../../support/survey-facts.ts";
import { toNamed } from "../../../support/refusal-case.ts";

const dayMs = 86_400_000;
const machineId = "0123456789abcdef0123456789abcdef";
const host = sha256Hex(`cutter:${machineId}`);
const [ciphertext, archive] = [sha256Hex("the encrypted file"), sha256Hex("the archive")];

let home: GpgHome;
let sovereign: string;
let stranger: string;
let backup: string;
let now: Date;
beforeAll(() => {
  home = createGpgHome();
  sovereign = home.createKey("Sovereign <s@example.org>");
  stranger = home.createKey("Stranger <x@example.org>");
  backup = home.createKey("Backup <b@example.org>");
  now = new Date(Date.now() + 2000);
}, 60_000);
afterAll(() => home.remove());

type Fields = Readonly<Record<string, unknown>>;
/** The draft as the owner fills it, on the facts of one backup. */
function toProof(change: Fields = {}, recipient = backup): Buffer {
  const { document } = toRestoreProofDraft(
    { runId: "R-1", host, recipient, file: "/f", sha256: ciphertext },
    { user: "root", host: "h", port: 22, document: "d" },
  );
  const filled = document.replace("@ARCHIVE_SHA256@", archive).replace("@PERFORMED_AT@", toTime(new Date(now.getTime() - 60_000)));
  return Buffer.from(filled.replace(/^\{[^]*?^\}/m, (json) => JSON.stringify({ ...(JSON.parse(json) as Fields), ...change }, null, 2)));
}
const keyOf = (fingerprint: string) => {
  const bytes = exportKey(home, fingerprint);
  return { bytes, pin: { fingerprint, fileSha256: sha256Hex(bytes) } };
};
const codeOf = (work: () => Promise<unknown>, name = ""): Promise<string> =>
  work().then(
    () => "kept",
    (error: unknown) => (error instanceof CutterError ? String(toNamed(error, name)) : Promise.reject(error)),
  );
const verify = (document: Buffer, change: Partial<RestoreProofEvidence> = {}, name = "") =>
  codeOf(
    () =>
      verifyRestoreProof({
        document,
        signature: sign(home, document, { key: sovereign }),
        sovereign: keyOf(sovereign),
        expected: { host, recipient: backup },
        now,
        ...change,
      }),
    name,
  );

describe("a restore proof", () => {
  it("is a filled draft, signed by the sovereign", async () => {
    expect(await verify(toProof())).toBe("kept");
  });

  it("is refused for each reason by its own name", async () => {
    const good = toProof();
    const { document: unfilled } = toRestoreProofDraft(
      { runId: "R-1", host, recipient: backup, file: "/f", sha256: ciphertext },
      { user: "root", host: "h", port: 22, document: "d" },
    );
    expect(await verify(Buffer.from(unfilled))).toBe("APPROVAL_PLACEHOLDER");
    expect(await verify(toProof({ extra: 1 }), {}, "APPROVAL_TEXT_INVALID reason=field")).toBe("APPROVAL_TEXT_INVALID reason=field");
    expect(await verify(good, { signature: sign(home, good, { key: stranger }) })).toBe("APPROVAL_SIGNER_NOT_PINNED");
    expect(await verify(good, { signature: sign(home, toProof({ archive_sha256: ciphertext }), { key: sovereign }) })).toBe(
      "APPROVAL_SIGNATURE_BAD",
    );
    expect(await verify(toProof({ host: sha256Hex("another") }))).toBe("RESTORE_PROOF_REFUSED");
    expect(await verify(toProof({ recipient: stranger }))).toBe("RESTORE_PROOF_REFUSED");
    expect(await verify(toProof({ performed_at: toTime(new Date(now.getTime() + dayMs)) }))).toBe("RESTORE_PROOF_REFUSED");
  });
});

describe("the survey", () => {
  /** A ready host that keeps these proofs. */
  const withProofs = (...documents: readonly Buffer[]): HostFacts => {
    const facts = parseHostFacts(readyLines().join("\n"));
    const key = keyOf(sovereign);
    const path = "/etc/cutter/keys/sovereign.asc";
    const kept = documents.map((document) => ({
      sha256: sha256Hex(document),
      files: new Map([
        [restoreProofFiles.document, document.toString("base64")],
        [restoreProofFiles.signature, sign(home, document, { key: sovereign }).toString("base64")],
      ]),
    }));
    return {
      ...facts,
      claims: [...facts.claims, JSON.stringify({ path, state: "claimed", contentSha256: key.pin.fileSha256 })],
      keyFiles: new Map([[path, Buffer.from(key.bytes).toString("base64")]]),
      restoreProofs: kept,
    };
  };
  const proofOf = (facts: HostFacts, at: Date, change: Fields = {}) =>
    toProof({ host: facts.machineIdentity, recipient: configOf(facts), performed_at: toTime(at), ...change });
  const configOf = (facts: HostFacts) => /^backup_gpg_fpr: "?([0-9A-F]{40})/m.exec(facts.config ?? "")?.[1] ?? "";
  const restoreCodes = async (facts: HostFacts, at: Date) =>
    toSurveyFindings(facts, noRulings, await verifyArchivedRestoreProofs(facts, at))
      .filter(({ code }) => code.startsWith("RESTORE_"))
      .map(({ code, severity }) => `${severity} ${code}`);

  it("is red without a proof, tells the date of the newest one, and is red again after 30 days", async () => {
    const bare = withProofs();
    expect(await restoreCodes(bare, now)).toEqual(["red RESTORE_PROOF_MISSING"]);
    const older = proofOf(bare, new Date(now.getTime() - 20 * dayMs));
    const newer = proofOf(bare, new Date(now.getTime() - dayMs));
    const facts = withProofs(older, newer);
    const [finding] = toSurveyFindings(facts, noRulings, await verifyArchivedRestoreProofs(facts, now));
    expect(finding).toMatchObject({ code: "RESTORE_PROVEN", severity: "note" });
    expect(finding?.summary).toContain(new Date(now.getTime() - dayMs).toISOString().slice(0, 10));
    expect(await restoreCodes(facts, new Date(now.getTime() + 29 * dayMs))).toEqual(["note RESTORE_PROVEN"]);
    expect(await restoreCodes(facts, new Date(now.getTime() + 31 * dayMs))).toEqual(["red RESTORE_PROOF_OLD"]);
  });

  it("counts no proof for another host, another recipient, or one that was changed where it is kept", async () => {
    const bare = withProofs();
    const good = proofOf(bare, new Date(now.getTime() - dayMs));
    for (const facts of [
      withProofs(proofOf(bare, now, { host: sha256Hex("another") })),
      withProofs(proofOf(bare, now, { recipient: stranger })),
      { ...withProofs(good), restoreProofs: withProofs(good).restoreProofs.map((kept) => ({ ...kept, sha256: sha256Hex("another") })) },
      {
        ...withProofs(good),
        restoreProofs: withProofs(good).restoreProofs.map(({ sha256, files }) => ({
          sha256,
          files: new Map([...files, [restoreProofFiles.signature, ""]]),
        })),
      },
    ])
      expect(await restoreCodes(facts, now)).toEqual(["red RESTORE_PROOF_MISSING", "warning RESTORE_PROOF_REFUSED"]);
  });
});

describe("the host", () => {
  /** A host with a run that left a backup, and one staged proof. */
  function makeHost(document: Buffer, { proven = true, runId = "R-1" } = {}) {
    const folder = makeHostFolder();
    for (const path of [
      "etc/cutter/keys",
      `var/lib/cutter/runs/${runId}/outputs`,
      toRestoreStaging(parseRunId(runId, { allowDryRunSuffix: false })),
      "var/lib/cutter-ledger",
    ])
      mkdirSync(folder.at(path), { recursive: true, mode: 0o700 });
    folder.write("etc/machine-id", `${machineId}\n`, 0o444);
    folder.write("etc/cutter/orchestrator.yaml", configText(), 0o640);
    const keys = { sovereign: keyOf(sovereign), backup: keyOf(backup) };
    for (const [role, { bytes }] of Object.entries(keys))
      folder.write(`etc/cutter/keys/${role}.asc`, Buffer.from(bytes).toString("utf8"), 0o644);
    folder.write(
      "etc/cutter/ownership.jsonl",
      Object.entries(keys)
        .map(([role, { pin }]) =>
          JSON.stringify({ path: `/etc/cutter/keys/${role}.asc`, urn: "u", sha256: "x", state: "claimed", contentSha256: pin.fileSha256 }),
        )
        .join("\n"),
      0o600,
    );
    folder.write(
      `var/lib/cutter/runs/${runId}/outputs/04-pre-write-backup.json`,
      JSON.stringify({ proven: proven ? { ciphertextSha256: ciphertext, plaintextSha256: archive } : null }),
      0o600,
    );
    folder.write(`run/cutter/incoming/_restore.${runId}/restore-proof.md`, document.toString("utf8"), 0o600);
    folder.write(
      `run/cutter/incoming/_restore.${runId}/restore-proof.md.asc`,
      sign(home, document, { key: sovereign }).toString("utf8"),
      0o600,
    );
    return folder;
  }

  it("keeps a proof whose digests are those of the run's own record, for root alone, and takes the staged files away", async () => {
    const document = toProof();
    const folder = makeHost(document);
    try {
      expect(await archiveRestoreProof(folder.host, "R-1", now)).toMatchObject({
        run_id: "R-1",
        signer: sovereign,
        document_sha256: sha256Hex(document),
      });
      const kept = folder.at(`var/lib/cutter-ledger/restore-proofs/${sha256Hex(document)}`);
      expect(readdirSync(kept).toSorted()).toEqual(["restore-proof.md", "restore-proof.md.asc"]);
      expect(readFileSync(`${kept}/restore-proof.md`)).toEqual(document);
      expect(readdirSync(folder.at("run/cutter/incoming"))).toEqual([]);
    } finally {
      folder.remove();
    }
  });

  it.each<[string, string, Fields, { proven?: boolean; runId?: string }]>([
    ["an archive that pg_dump did not give out", "RESTORE_PROOF_REFUSED", { archive_sha256: sha256Hex("guessed") }, {}],
    ["another encrypted file", "RESTORE_PROOF_REFUSED", { backup_sha256: sha256Hex("another") }, {}],
    ["another run", "RESTORE_PROOF_REFUSED", {}, { runId: "R-2" }],
    ["a run without a backup", "RESTORE_PROOF_NO_BACKUP", {}, { proven: false }],
  ])("keeps nothing for %s", async (_what, code, change, about) => {
    const folder = makeHost(toProof(change), about);
    try {
      expect(await codeOf(() => archiveRestoreProof(folder.host, about.runId ?? "R-1", now))).toBe(code);
      expect(readdirSync(folder.at("var/lib/cutter-ledger"))).toEqual([]);
    } finally {
      rmSync(folder.at(""), { recursive: true });
    }
  });
});
