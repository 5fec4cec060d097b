// GAP-7 and GAP-8: closed by a ruling that verifies now, on this host; open again for every reason why it would not.
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sha256Hex } from "../../../../orchestrator/core/encoding/digest.ts";
import { toGaps } from "../../../../orchestrator/core/gaps/gaps.ts";
import { parseHostFacts, type HostFacts } from "../../../../orchestrator/core/host/facts.ts";
import { verifyArchivedRulings, rulingArchive, rulingFiles, rulingsFolder } from "../../../../orchestrator/core/gaps/archived-rulings.ts";
import { noRestoreProofs } from "../../../../orchestrator/core/gaps/restore-proof.ts";
import { toSurvey } from "../../../../orchestrator/core/survey/survey.ts";
import { archiveDocument } from "../../../../orchestrator/root-helper/state/archive-document.ts";
import { exportKey, ruling, sign, toDocument, toTime } from "../../../support/approval-material.ts";
import { createGpgHome, type GpgHome } from "../../../support/gpg.ts";
import { readyLines } from "../../../support/survey-facts.ts";

let home: GpgHome;
let sovereign: string;
let architect: string;
let now: Date; // after the keys were made: a key is not valid before
beforeAll(() => {
  home = createGpgHome();
  sovereign = home.createKey("Sovereign <s@example.org>");
  architect = home.createKey("Architect <a@example.org>");
  now = new Date(Date.now() + 2000);
}, 60_000);
afterAll(() => home.remove());

const bare = (): HostFacts => parseHostFacts(readyLines().join("\n"));
const keyPath = (role: string): string => `/etc/cutter/keys/${role}.asc`;

interface Kept {
  readonly fields?: Readonly<Record<string, unknown>>;
  readonly signers?: readonly ("sovereign" | "architect")[];
  readonly pinned?: readonly ("sovereign" | "architect")[];
  readonly spent?: readonly string[];
  readonly alter?: (document: Buffer) => Buffer;
}

/** The facts of a ready host with one ruling kept on it. */
function withRuling({
  fields = {},
  signers = ["sovereign"],
  pinned = ["sovereign"],
  spent = [],
  alter = (document) => document,
}: Kept = {}): HostFacts {
  const facts = bare();
  const runbook = facts.paths.get("/etc/cutter/rollback_runbook.sql")?.digest;
  const signed = toDocument(
    ruling({
      host: facts.machineIdentity,
      release_sha256: facts.current?.manifestSha256,
      rollback_runbook_sha256: runbook,
      grant_matrix_sha256: sha256Hex("matrix"),
      ...fields,
    }),
  );
  const document = alter(signed);
  const keys = { sovereign, architect };
  const files = new Map([
    [rulingFiles.document, document.toString("base64")],
    ...signers.map((role) => [rulingFiles[role], sign(home, signed, { key: keys[role] }).toString("base64")] as const),
  ]);
  const keyFiles = pinned.map((role) => [keyPath(role), exportKey(home, keys[role])] as const);
  const claims = keyFiles.map(([path, bytes]) => JSON.stringify({ path, state: "claimed", contentSha256: sha256Hex(bytes) }));
  return {
    ...facts,
    claims: [...facts.claims, ...claims],
    keyFiles: new Map(keyFiles.map(([path, bytes]) => [path, bytes.toString("base64")])),
    rulings: [{ sha256: sha256Hex(document), files }],
    spent,
  };
}

async function gapsOf(
  facts: HostFacts,
  at?: Date,
): Promise<{ readonly open: readonly string[]; readonly evidence: (id: string) => string }> {
  const gaps = toGaps(facts, await verifyArchivedRulings(facts, at ?? now));
  return {
    open: gaps.filter(({ state }) => state === "open").map(({ id }) => id),
    evidence: (id) => gaps.find((gap) => gap.id === id)?.evidence.join("\n") ?? "",
  };
}

describe("a ruling that verifies", () => {
  test("closes both gaps and says who signed, that it was one human, which document and why it is harmless", async () => {
    const { open, evidence } = await gapsOf(withRuling());
    expect(open).toEqual([]);
    expect(evidence("GAP-7")).toContain(`signed by the sovereign ${sovereign}`);
    expect(evidence("GAP-7")).toContain("one human signer");
    expect(evidence("GAP-7")).toContain("0 of 2 starts spent");
    expect(evidence("GAP-8")).toContain("knowledge/dev/harmless.md: A glossary that nothing depends on.");
    expect(`${evidence("GAP-7")}${evidence("GAP-8")}`).not.toMatch(/\d{4}-\d{2}-\d{2}T/);
  });

  test("of two people says so, and asks for both where both are pinned", async () => {
    const both = await gapsOf(withRuling({ signers: ["sovereign", "architect"], pinned: ["sovereign", "architect"] }));
    expect(both.open).toEqual([]);
    expect(both.evidence("GAP-7")).toContain(`signed by the architect ${architect}`);
    expect(both.evidence("GAP-7")).not.toContain("one human signer");
    expect((await gapsOf(withRuling({ signers: ["sovereign"], pinned: ["sovereign", "architect"] }))).evidence("GAP-7")).toContain(
      "APPROVAL_SIGNATURES_WRONG reason=missing",
    );
  });

  test("shows in the survey that the host is ready for a live run, and that the runbook is ratified", async () => {
    const facts = withRuling();
    const survey = toSurvey(facts, {
      hostName: null,
      takenAt: now,
      rulings: await verifyArchivedRulings(facts, now),
      restoreProofs: noRestoreProofs,
    });
    expect(survey.result).toMatchObject({ summary: "SURVEYED: 8 of 8 gaps closed", ready_for_live: true });
    expect(survey.rollback.runbook).toContain("ratified by a standing ruling");
    expect(survey.findings.map(({ code }) => code)).not.toContain("RUNBOOK_UNRATIFIED");
    expect(JSON.stringify(survey)).not.toMatch(/not in this release|does not read/);
  });

  test("tells how many of its starts are spent", async () => {
    const facts = withRuling();
    const line = JSON.stringify({
      seq: 0,
      at: now.toISOString(),
      prev: "0".repeat(64),
      kind: "spent",
      gate: "RULING",
      run_id: "run-1",
      document_sha256: facts.rulings[0]?.sha256,
      review_decision_id: "0f9b2c1e-6a57-4d0c-9d5e-3b0f6f1a2c4d",
      n: 1,
      of: 2,
    });
    expect((await gapsOf({ ...facts, spent: [line, "{cut"] })).evidence("GAP-7")).toContain("1 of 2 starts spent");
    const spent = [line, line.replace('"n":1', '"n":2')];
    const used = await gapsOf({ ...facts, spent });
    expect(used.open).toEqual(["GAP-7", "GAP-8"]);
    expect(used.evidence("GAP-7")).toContain("all 2 starts for run run-1 are spent");
    // the last start is not used up while its token lies there
    expect((await gapsOf({ ...facts, spent, armed: ["run-1"] })).open).toEqual([]);
  });

  test.each([
    ["done", '{"kind":"run_finished"}', null],
    ["given up", '{"kind":"run_voided"}', null],
    ["reverted", '{"kind":"run_finished"}', '{"kind":"reverted"}'],
  ])("authorises nothing more once its run is %s", async (state, line, reverted) => {
    const begun = '{"kind":"run_started","mode":"live","document_id":"knowledge/dev/harmless.md"}';
    const runs = [{ runId: "run-1", journal: [begun, line], revertJournal: reverted === null ? [] : [reverted], last: line }];
    const { open, evidence } = await gapsOf({ ...withRuling(), runs });
    expect(open).toEqual(["GAP-7", "GAP-8"]);
    for (const id of ["GAP-7", "GAP-8"]) expect(evidence(id)).toContain(`authorises nothing more: its run run-1 is ${state}`);
  });
});

describe("the gaps are open again", () => {
  test.each<[string, Kept, string]>([
    ["for a ruling of another host", { fields: { host: sha256Hex("another host") } }, "APPROVAL_FOR_ANOTHER field=host"],
    ["for another release", { fields: { release_sha256: sha256Hex("another release") } }, "APPROVAL_OUTDATED field=release_sha256"],
    ["for another principal", { fields: { governance_principal: "cutter_exec" } }, "APPROVAL_OUTDATED field=governance_principal"],
    ["for another runbook", { fields: { rollback_runbook_sha256: sha256Hex("x") } }, "APPROVAL_OUTDATED field=rollback_runbook_sha256"],
    ["for another grant matrix", { fields: { grant_matrix_sha256: sha256Hex("x") } }, "APPROVAL_OUTDATED field=grant_matrix_sha256"],
    [
      "for a ruling of yesterday",
      { fields: { issued_at: toTime(new Date(Date.now() - 25 * 3_600_000)), expires_at: toTime(new Date(Date.now() - 2 * 3_600_000)) } },
      "APPROVAL_TOO_OLD",
    ],
    [
      "for one changed word",
      { alter: (document) => Buffer.from(document.toString().replace("glossary", "registry")) },
      "APPROVAL_SIGNATURE_BAD",
    ],
    ["for a signature by the architect alone", { signers: ["architect"] }, "APPROVAL_SIGNER_NOT_PINNED"],
    ["without a signature", { signers: [] }, "APPROVAL_SIGNATURES_WRONG reason=missing"],
    ["where no key is pinned", { pinned: [] }, "APPROVAL_KEY_NOT_PINNED"],
  ])("%s", async (_name, kept, code) => {
    const { open, evidence } = await gapsOf(withRuling(kept));
    expect(open).toEqual(["GAP-7", "GAP-8"]);
    expect(evidence("GAP-7")).toContain(code);
    expect(evidence("GAP-8")).toContain(code);
  });

  test("when it has expired", async () => {
    expect(await gapsOf(withRuling(), new Date(now.getTime() + 2 * 3_600_000))).toMatchObject({ open: ["GAP-7", "GAP-8"] });
  });

  test("when the pinned key was changed, or its file", async () => {
    const facts = withRuling();
    const other = exportKey(home, architect);
    const repinned = {
      ...facts,
      claims: [...facts.claims, JSON.stringify({ path: keyPath("sovereign"), state: "claimed", contentSha256: sha256Hex(other) })],
      keyFiles: new Map([[keyPath("sovereign"), other.toString("base64")]]),
    };
    expect((await gapsOf(repinned)).evidence("GAP-7")).toContain("APPROVAL_SIGNER_NOT_PINNED");
    expect((await gapsOf({ ...facts, keyFiles: new Map([[keyPath("sovereign"), other.toString("base64")]]) })).evidence("GAP-7")).toContain(
      "KEY_FILE_CHANGED",
    );
  });

  test("when it lies under another digest than its own", async () => {
    const facts = withRuling();
    expect((await gapsOf({ ...facts, rulings: facts.rulings.map((kept) => ({ ...kept, sha256: "0".repeat(64) })) })).open).toEqual([
      "GAP-7",
      "GAP-8",
    ]);
  });
});

describe("what root keeps", () => {
  test("is the ruling with its signatures, root's alone, and what the facts of the host show", () => {
    const root = mkdtempSync(join(tmpdir(), "cutter-keep-"));
    try {
      mkdirSync(join(root, "var/lib/cutter-ledger"), { recursive: true });
      const document = toDocument(ruling());
      const sha256 = sha256Hex(document);
      const files = new Map<string, Uint8Array>([
        [rulingFiles.document, document],
        [rulingFiles.sovereign, sign(home, document, { key: sovereign })],
        ["sg-3.md", Buffer.from("not a ruling")],
      ]);
      const host = { root, ownerUid: process.getuid?.() ?? 0, cutter: { uid: 0, gid: 0 } };
      archiveDocument(host, rulingArchive, sha256, files);
      archiveDocument(host, rulingArchive, sha256, files);
      const folder = join(root, rulingsFolder, sha256);
      // The very script of the survey, with the host's folders moved below this one.
      const script = readFileSync(new URL("../../../../orchestrator/root-helper/survey/host-facts.sh", import.meta.url), "utf8").replaceAll(
        "/var/lib/cutter-ledger",
        join(root, "var/lib/cutter-ledger"),
      );
      const printed = execFileSync("sh", ["-s"], { input: script, encoding: "utf8" });
      const seen = parseHostFacts(`${printed}database_problem\tnot asked\n`).rulings;
      expect(seen.map((kept) => [kept.sha256, [...kept.files.keys()]])).toEqual([[sha256, [rulingFiles.document, rulingFiles.sovereign]]]);
      expect(Buffer.from(seen[0]?.files.get(rulingFiles.document) ?? "", "base64").equals(document)).toBe(true);
      expect(
        execFileSync("find", [join(root, rulingsFolder), "-type", "f", "-printf", "%P %m\\n"], { encoding: "utf8" })
          .split("\n")
          .filter(Boolean)
          .toSorted(),
      ).toEqual([`${sha256}/ruling.md 600`, `${sha256}/ruling.md.sovereign.asc 600`]);
      expect(statSync(folder).mode & 0o777).toBe(0o700);
      expect(readFileSync(join(folder, rulingFiles.document)).equals(document)).toBe(true);
      const blocked = join(root, "blocked");
      mkdirSync(join(blocked, "var/lib"), { recursive: true });
      execFileSync("sh", ["-c", `: >"${blocked}/var/lib/cutter-ledger"`]);
      chmodSync(join(blocked, "var/lib"), 0o700);
      expect(() => archiveDocument({ ...host, root: blocked }, rulingArchive, sha256, files)).toThrow(/^HOST_FILE_UNSAFE /);
    } finally {
      rmSync(root, { recursive: true, force: true });
    }
  });
});
