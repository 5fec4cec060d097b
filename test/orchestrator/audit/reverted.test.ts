// The audit of a run that was taken back: the revert's own records are in its bundle, and a forged or missing one fails.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { nodeFiles } from "../../../orchestrator/adapters/node-files/node-files.ts";
import { auditRun, type Audit } from "../../../orchestrator/audit/audit-run.ts";
import { sha256Hex } from "../../../orchestrator/core/encoding/digest.ts";
import { CutterError } from "../../../orchestrator/core/errors.ts";
import { chainStart, toLine, toLineHash } from "../../../orchestrator/core/journal/chain.ts";
import { readBundle, readFolder, type RunBundle } from "../../../orchestrator/evidence/bundle.ts";
import { phases } from "../../../orchestrator/phases/index.ts";
import { liveRunId, makeEvidencedWorld, toEvidenceList, type EvidencedWorld } from "../../support/live-run-files.ts";
import { revertLiveRun } from "../../support/reverted-run.ts";

const context = { phases, releaseSha256: "0".repeat(64) };
let world: EvidencedWorld;
let bundle: RunBundle;
beforeAll(async () => {
  world = await makeEvidencedWorld();
  await world.start();
  await revertLiveRun(world);
  bundle = await readRevertBundle(world);
}, 60_000);
afterAll(() => world.live.remove());

const readRevertBundle = async ({ folder }: EvidencedWorld): Promise<RunBundle> =>
  readBundle((await nodeFiles.read(`${folder}/revert/audit-bundle.tar`)) ?? new Uint8Array());
const keys = () => ({ sovereign: world.live.sovereign.file, architect: null });
const audit = (material: RunBundle, by = keys()): Promise<Audit> => auditRun(material, by, context);
const found = ({ findings }: Audit): readonly string[] => findings.map(({ what, file }) => `${what ?? ""} ${file ?? ""}`);

type Files = Map<string, Buffer>;
/** The bundle with one thing changed, and a list that agrees with it: what a forger would hand over. */
function forge(change: (files: Files) => void, of = bundle): RunBundle {
  const files: Files = new Map([...of.files].map(([name, bytes]) => [name, Buffer.from(bytes)]));
  change(files);
  return { ...of, files: new Map([...files, ["EVIDENCE.sha256", toEvidenceList(files)]]) };
}
const nameOf = (pattern: RegExp): string => [...bundle.files.keys()].find((name) => pattern.test(name)) ?? "";

type Entry = Readonly<Record<string, unknown>>;
const linesOf = (files: ReadonlyMap<string, Uint8Array>): readonly string[] =>
  Buffer.from(files.get("revert/journal.jsonl") ?? [])
    .toString()
    .trimEnd()
    .split("\n");

/** The revert's journal with other entries, each with a time of its own, chained anew. */
function rewriteAll(files: Files, change: (entries: readonly Entry[]) => readonly Entry[]): void {
  let prev = chainStart;
  let text = "";
  const entries = linesOf(files).map((line) => JSON.parse(line) as Entry);
  for (const [seq, { seq: _seq, at, prev: _prev, ...entry }] of change(entries).entries()) {
    const written = toLine(entry, { seq, at: String(at), prev });
    [prev, text] = [toLineHash(written), `${text}${written}\n`];
  }
  files.set("revert/journal.jsonl", Buffer.from(text));
}
/** Every record through `change`; null leaves it out. */
const rewrite = (files: Files, change: (entry: Entry) => Entry | null): void =>
  rewriteAll(files, (entries) => entries.map(change).filter((entry) => entry !== null));
const without = (files: Files, ...kinds: readonly string[]): void =>
  rewrite(files, (entry) => (kinds.includes(String(entry["kind"])) ? null : entry));
/** One field of every record of a kind. */
const set = (files: Files, kind: string, fields: Entry): void =>
  rewrite(files, (entry) => (entry["kind"] === kind ? { ...entry, ...fields } : entry));

function tell(files: Files, change: Entry): void {
  const outcome = JSON.parse((files.get("revert/outcome.json") ?? "").toString()) as Entry;
  files.set("revert/outcome.json", Buffer.from(`${JSON.stringify({ ...outcome, ...change }, null, 1)}\n`));
}

/** Another document, and a receipt of it. */
function store(files: Files, change: (body: string) => string): void {
  const body = Buffer.from(change((files.get("revert/revert.md") ?? "").toString()));
  files.set("revert/revert.md", body);
  set(files, "receipt", { sha256: sha256Hex(body) });
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

  test("passes another release, which compares the records of its document and says that it does not compare the wording", async () => {
    const later = { phases, releaseSha256: "f".repeat(64) };
    const passed = await auditRun(bundle, keys(), later);
    expect(passed.findings).toEqual([]);
    expect(passed.notes).toContainEqual(expect.stringMatching(/^wording not compared, the revert .*: revert\/revert\.md$/));
    const forged = forge((files) => store(files, (body) => body.replace('"units": 4', '"units": 5')));
    expect(found(await auditRun(forged, keys(), later))).toEqual(["document_differs revert/revert.md"]);
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
    [
      "it counts other units than the plan, everywhere",
      "effect_differs revert/journal.jsonl",
      (files) => {
        rewrite(files, (entry) => (entry["units"] === 4 ? { ...entry, units: 9000 } : entry));
        tell(files, { units: 9000 });
      },
    ],
    ["another login saw other units", "effect_differs revert/journal.jsonl", (files) => set(files, "verified", { units: 3 })],
    [
      "its counts of tables contradict one another",
      "effect_differs revert/journal.jsonl",
      (files) => set(files, "verified", { tables_equal: 1 }),
    ],
    ["no other login looked", "journal_illegal revert/journal.jsonl", (files) => without(files, "verified")],
    ["nothing was stored", "journal_illegal revert/journal.jsonl", (files) => without(files, "receipt")],
    ["its rows were not compared", "journal_illegal revert/journal.jsonl", (files) => without(files, "rows_compared")],
    [
      "a start that ended well reverted nothing",
      "journal_illegal revert/journal.jsonl",
      (files) => without(files, "reverted", "verified", "receipt"),
    ],
    [
      "a start that had begun finds the rows retired",
      "journal_illegal revert/journal.jsonl",
      (files) => set(files, "reverted", { found: "already_there" }),
    ],
    [
      "its document says what nobody recorded",
      "document_differs revert/revert.md",
      (files) => store(files, () => "# Nothing was reverted\n"),
    ],
    [
      "its document's record counts otherwise",
      "document_differs revert/revert.md",
      (files) => store(files, (body) => body.replace('"units": 4', '"units": 5')),
    ],
    [
      "its document's record names another transaction",
      "document_differs revert/revert.md",
      (files) => store(files, (body) => body.replace('"transaction_id": "950"', '"transaction_id": "951"')),
    ],
    [
      "its document's record names another UUID",
      "document_differs revert/revert.md",
      (files) => store(files, (body) => body.replaceAll("55555555-0000", "66666666-0000")),
    ],
    [
      "its document says another thing than its record",
      "document_differs revert/revert.md",
      (files) => store(files, (body) => body.replace("4 units of this run are retired", "No unit of this run is retired")),
    ],
    [
      "its document witnesses another record",
      "witness_differs revert/revert.md",
      (files) => store(files, (body) => body.replace(/"seq": \d+/, '"seq": 1')),
    ],
    [
      "its document is of another journal",
      "witness_differs revert/revert.md",
      (files) => set(files, "rows_compared", { digest: "e".repeat(64) }),
    ],
    ["its outcome says that it stopped", "outcome_differs revert/outcome.json", (files) => tell(files, { result: "stopped" })],
    [
      "its outcome says that it was reverted before",
      "outcome_differs revert/outcome.json",
      (files) => tell(files, { result: "already_reverted" }),
    ],
    ["its outcome is of another plan", "outcome_differs revert/outcome.json", (files) => tell(files, { payload_sha: "e".repeat(64) })],
    ["its outcome counts no table", "outcome_differs revert/outcome.json", (files) => tell(files, { differences: [] })],
  ])("fails when %s, whatever its list says", async (_what, finding, change) => {
    expect((await audit(forge(change))).findings.map(({ what, file }) => `${what ?? ""} ${file ?? ""}`)).toContainEqual(
      expect.stringContaining(finding),
    );
  });

  test("fails when its journal breaks off before its transaction, and outcome and document tell of a revert all the same", async () => {
    const told = await audit(
      forge((files) => {
        rewriteAll(files, (entries) =>
          entries.slice(
            0,
            entries.findIndex(({ kind }) => kind === "transaction"),
          ),
        );
        tell(files, { units: 777 });
        files.set("revert/revert.md", Buffer.from("# Reverted: 777 units\n"));
      }),
    );
    expect(found(told)).toEqual(["outcome_differs revert/outcome.json", "document_differs revert/revert.md"]);
    expect(told).toMatchObject({ revert: { state: "begun", units: null }, checked: [] });
  });

  test("fails when a key stands twice in a line: one reader takes the first value, another the last", async () => {
    const forged = forge((files) => {
      let prev = chainStart;
      const lines = linesOf(files).map((line) => {
        const twice = line.includes('"kind":"reverted"') ? line.replace('"units":4', '"units":1,"units":4') : line;
        const chained = twice.replace(/"prev":"[0-9a-f]{64}"/, `"prev":"${prev}"`);
        prev = toLineHash(chained);
        return chained;
      });
      files.set("revert/journal.jsonl", Buffer.from(`${lines.join("\n")}\n`));
    });
    expect(found(await audit(forged))).toEqual(["chain_broken revert/journal.jsonl"]);
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

describe("a signed revert that stopped before it wrote anything", () => {
  let stopped: EvidencedWorld;
  let left: RunBundle;
  beforeAll(async () => {
    stopped = await makeEvidencedWorld();
    await stopped.start();
    const make = (): never => {
      throw new CutterError("BACKUP_UNPROVEN", { pg_dump_exit: 1 });
    };
    expect(await revertLiveRun(stopped, { ports: { backups: { make } } })).toMatchObject({ result: "stopped", code: "BACKUP_UNPROVEN" });
    left = await readRevertBundle(stopped);
  }, 60_000);
  afterAll(() => stopped.live.remove());
  const look = (material: RunBundle) => auditRun(material, { sovereign: stopped.live.sovereign.file, architect: null }, context);

  test("passes, as one that is not finished, and no document is claimed to be compared", async () => {
    const passed = await look(left);
    expect(passed).toMatchObject({ findings: [], revert: { state: "stopped", code: "BACKUP_UNPROVEN" } });
    expect(passed.checked.at(-1)).toMatch(/records of the revert: .*the SQL it ran; its outcome$/);
  });

  test("fails when a line says that all was retired already", async () => {
    const forged = forge((files) => {
      rewriteAll(files, (entries) => {
        const end = entries.at(-1) ?? {};
        return [
          ...entries.slice(0, -1),
          { at: end["at"], kind: "reverted", units: 4, found: "already_there" },
          { ...end, code: null, facts: {} },
        ];
      });
      const at = (JSON.parse(linesOf(files).at(-2) ?? "") as Entry)["at"];
      tell(files, { result: "already_reverted", code: null, exit_code: 0, facts: {}, units: 4, reverted_at: at });
    }, left);
    const failed = await look(forged);
    expect(found(failed)).toEqual(["journal_illegal revert/journal.jsonl", "journal_illegal revert/journal.jsonl"]);
    expect(failed.findings.map(({ facts }) => facts["missing"])).toEqual([undefined, ["receipt", "verified"]]);
    expect(failed.checked).toEqual([]);
  });
});

describe("a revert that finds its run retired", () => {
  test("passes, and says that nothing among its files shows who did it", async () => {
    const other = await makeEvidencedWorld();
    try {
      await other.start();
      other.live.cut.retire(liveRunId);
      expect(await revertLiveRun(other)).toMatchObject({ result: "already_reverted", exit_code: 0 });
      const passed = await auditRun(await readRevertBundle(other), { sovereign: other.live.sovereign.file, architect: null }, context);
      expect(found(passed)).toEqual([]);
      expect(passed.notes).toEqual([
        expect.stringMatching(/retired already \(revert\/journal\.jsonl record 2\), by no transaction of its own/),
      ]);
    } finally {
      await other.live.remove();
    }
  }, 60_000);
});
