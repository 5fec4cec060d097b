// The audit of a run that was taken back: the revert's own records are in its bundle, and a forged or missing one fails.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { nodeFiles } from "../../../orchestrator/adapters/node-files/node-files.ts";
import { auditRun, type Audit } from "../../../orchestrator/audit/audit-run.ts";
import { sha256Hex } from "../../../orchestrator/core/encoding/digest.ts";
import { chainStart, toLine, toLineHash } from "../../../orchestrator/core/journal/chain.ts";
import { readBundle, readFolder, type RunBundle } from "../../../orchestrator/evidence/bundle.ts";
import { phases } from "../../../orchestrator/phases/index.ts";
import { makeEvidencedWorld, toEvidenceList, type EvidencedWorld } from "../../support/live-run-files.ts";
import { revertLiveRun } from "../../support/reverted-run.ts";

const context = { phases, releaseSha256: "0".repeat(64) };
let world: EvidencedWorld;
let bundle: RunBundle;
beforeAll(async () => {
  world = await makeEvidencedWorld();
  await world.start();
  await revertLiveRun(world);
  bundle = readBundle((await nodeFiles.read(`${world.folder}/revert/audit-bundle.tar`)) ?? new Uint8Array());
}, 60_000);
afterAll(() => world.live.remove());

const keys = () => ({ sovereign: world.live.sovereign.file, architect: null });
const audit = (material: RunBundle, by = keys()): Promise<Audit> => auditRun(material, by, context);
const found = ({ findings }: Audit): readonly string[] => findings.map(({ what, file }) => `${what ?? ""} ${file ?? ""}`);

type Files = Map<string, Buffer>;
/** The bundle with one thing changed, and a list that agrees with it: what a forger would hand over. */
function forge(change: (files: Files) => void): RunBundle {
  const files: Files = new Map([...bundle.files].map(([name, bytes]) => [name, Buffer.from(bytes)]));
  change(files);
  return { ...bundle, files: new Map([...files, ["EVIDENCE.sha256", toEvidenceList(files)]]) };
}
const nameOf = (pattern: RegExp): string => [...bundle.files.keys()].find((name) => pattern.test(name)) ?? "";

/** Every record of the revert's journal through `change`, chained anew. */
function rewrite(files: Files, change: (entry: Record<string, unknown>) => Record<string, unknown> | null): void {
  let prev = chainStart;
  let text = "";
  let next = 0;
  for (const line of (files.get("revert/journal.jsonl") ?? "").toString().trimEnd().split("\n")) {
    const { seq: _seq, at, prev: _prev, ...entry } = JSON.parse(line) as Record<string, unknown>;
    const changed = change(entry);
    if (changed === null) continue;
    const written = toLine(changed, { seq: next, at: String(at), prev });
    [prev, text, next] = [toLineHash(written), `${text}${written}\n`, next + 1];
  }
  files.set("revert/journal.jsonl", Buffer.from(text));
}

describe("a reverted run", () => {
  test("passes from its folder and from the revert's bundle, and the REVERT is verified by the reader's key", async () => {
    for (const material of [await readFolder(nodeFiles, world.folder), bundle]) {
      const passed = await audit(material);
      expect(found(passed)).toEqual([]);
      expect(passed).toMatchObject({ revert: { state: "reverted", units: 4 }, signaturesVerified: 5, signaturesNotVerified: 0 });
      expect(passed.checked).toContainEqual(expect.stringMatching(/records of the revert: chain, sequence and legality/));
    }
    expect((await auditRun(bundle, null, context)).signaturesNotVerified).toBe(5);
  });

  test("leaves the run's own bundle as it was: it knows of no revert, and says so", async () => {
    const own = readBundle((await nodeFiles.read(`${world.folder}/audit-bundle.tar`)) ?? new Uint8Array());
    const passed = await audit(own);
    expect(passed).toMatchObject({ findings: [], revert: null });
    expect(passed.checked).toContain("no revert is among these records");
  });

  const drop = (pattern: RegExp) => (files: Files) => void files.delete(nameOf(pattern));
  const alter = (pattern: RegExp) => (files: Files) =>
    void files.set(nameOf(pattern), Buffer.concat([files.get(nameOf(pattern)) ?? Buffer.alloc(0), Buffer.from(" ")]));
  test.each<[string, string, (files: Files) => void]>([
    ["its journal is gone", "file_missing revert/journal.jsonl", drop(/^revert\/journal/)],
    [
      "its journal is torn",
      "tail_cut revert/journal.jsonl",
      (files) => void files.set("revert/journal.jsonl", (files.get("revert/journal.jsonl") ?? Buffer.alloc(0)).subarray(0, -1)),
    ],
    ["its journal has more at its end", "chain_broken revert/journal.jsonl", alter(/^revert\/journal/)],
    ["its approval is gone", "approval_missing revert/approval-", drop(/^revert\/approval-.*\.md$/)],
    ["its approval was changed", "approval_missing revert/approval-", alter(/^revert\/approval-.*\.md$/)],
    ["its signature is gone", "approval_missing revert/approval-", drop(/^revert\/approval-.*\.asc$/)],
    ["the SQL it ran is gone", "file_missing revert/rollback_runbook-", drop(/^revert\/rollback_runbook/)],
    ["the SQL it ran was changed", "file_changed revert/rollback_runbook-", alter(/^revert\/rollback_runbook/)],
    ["its outcome is gone", "file_missing revert/outcome.json", drop(/^revert\/outcome/)],
    ["its document was changed", "receipt_differs revert/revert.md", alter(/^revert\/revert\.md/)],
    ["a file was added", "file_extra revert/notes.txt", (files) => void files.set("revert/notes.txt", Buffer.from("all was well"))],
    [
      "its outcome names fewer units",
      "outcome_differs revert/outcome.json",
      (files) =>
        void files.set(
          "revert/outcome.json",
          Buffer.from((files.get("revert/outcome.json") ?? "").toString().replace('"units": 4', '"units": 3')),
        ),
    ],
    [
      "its journal names another plan",
      "effect_differs revert/journal.jsonl",
      (files) => rewrite(files, (entry) => (entry["kind"] === "revert_started" ? { ...entry, payload_sha: "e".repeat(64) } : entry)),
    ],
    [
      "its journal names another signer",
      "approval_differs revert/journal.jsonl",
      (files) => rewrite(files, (entry) => (entry["kind"] === "attempt_started" ? { ...entry, signer: "F".repeat(40) } : entry)),
    ],
    [
      "its journal has no transaction",
      "journal_illegal revert/journal.jsonl",
      (files) => rewrite(files, (entry) => (entry["kind"] === "transaction" ? null : entry)),
    ],
  ])("fails when %s, whatever its list says", async (_what, finding, change) => {
    expect((await audit(forge(change))).findings.map(({ what, file }) => `${what ?? ""} ${file ?? ""}`)).toContainEqual(
      expect.stringContaining(finding),
    );
  });

  test("fails in its folder when the backup of the revert is another file", async () => {
    const folder = await readFolder(nodeFiles, world.folder);
    const digestsOnly = new Map(
      [...folder.digestsOnly].map(([name, sha256]) => [name, name.startsWith("revert/") ? sha256Hex("other") : sha256]),
    );
    expect(found(await audit({ ...folder, digestsOnly }))).toEqual(
      expect.arrayContaining(["backup_differs revert/backup-1.pgdump.gpg", "file_changed revert/backup-1.pgdump.gpg"]),
    );
  });
});

describe("a revert that the sovereign did not sign, or that was signed for another run", () => {
  test.each([
    ["a stranger's signature", { signedBy: "stranger" as const }],
    ["the UUID of the run's own SG_1", { change: { review_decision_id: "11111111-0000-4000-8000-000000000001" } }],
  ])(
    "fails: %s",
    async (what, trial) => {
      const other = await makeEvidencedWorld();
      try {
        await other.start();
        await revertLiveRun(other, trial);
        const failed = await auditRun(
          await readFolder(nodeFiles, other.folder),
          { sovereign: other.live.sovereign.file, architect: null },
          context,
        );
        expect(found(failed).join()).toMatch(what.includes("UUID") ? /uuid_reused revert\/journal/ : /approval_invalid revert\/approval-/);
      } finally {
        await other.live.remove();
      }
    },
    60_000,
  );
});
