// An audit finds each alteration by its own finding, also where the forger made the list of digests anew; the untouched evidence passes.
import { sha256Hex } from "../../../orchestrator/core/encoding/digest.ts";
import { beforeAll, describe, expect, test } from "vitest";
import type { AuditFinding } from "../../../orchestrator/audit/finding.ts";
import { auditRun, type Audit } from "../../../orchestrator/audit/audit-run.ts";
import { readBundle } from "../../../orchestrator/evidence/bundle.ts";
import { fromTar, toTar } from "../../../orchestrator/evidence/tar.ts";
import { chainStart, toLineHash } from "../../../orchestrator/core/journal/chain.ts";
import { phases } from "../../../orchestrator/phases/index.ts";
import { liveRunId, makeLiveRunFiles, toEvidenceList, type LiveRunFiles } from "../../support/live-run-files.ts";

let run: LiveRunFiles;
beforeAll(async () => {
  run = await makeLiveRunFiles();
}, 60_000);

type Files = Map<string, Buffer>;
const releaseSha256 = "0".repeat(64); // that of the fakes
const keys = () => ({ sovereign: run.key, architect: null });

/** A bundle with these alterations; the list is made anew unless it is what was altered. */
async function auditAltered(
  alter: (files: Files) => void | Promise<void>,
  trusted: Parameters<typeof auditRun>[1] = keys(),
): Promise<Audit> {
  const files: Files = new Map(run.files);
  await alter(files);
  if (!files.has("EVIDENCE.sha256")) files.set("EVIDENCE.sha256", toEvidenceList(files));
  return await auditRun(readBundle(toTar(files)), trusted, { phases, releaseSha256 });
}

const lines = (files: Files): string[] => text(files, "journal.jsonl").split("\n").slice(0, -1);
const text = (files: Files, name: string): string => (files.get(name) ?? Buffer.alloc(0)).toString();
const find = (files: Files, pattern: RegExp): string => [...files.keys()].find((name) => pattern.test(name)) ?? "";
const replace = (files: Files, name: string, from: string, to: string): void => {
  const before = text(files, name);
  if (!before.includes(from)) throw new Error(`${name} has no ${from}`);
  files.set(name, Buffer.from(before.replace(from, to)));
};
const write = (files: Files, all: readonly string[]): void =>
  void files.set("journal.jsonl", Buffer.from(all.map((line) => `${line}\n`).join("")));

/** What a forger who knows the format does: the chain is made anew after the change. */
function rechain(all: readonly string[]): string[] {
  const made: string[] = [];
  for (const line of all) {
    const record = JSON.parse(line) as Record<string, unknown>;
    const last = made.at(-1);
    made.push(JSON.stringify({ ...record, seq: made.length, prev: last === undefined ? chainStart : toLineHash(last) }));
  }
  return made;
}
const edit = (files: Files, kind: string, change: (record: Record<string, unknown>) => void): void =>
  write(
    files,
    rechain(
      lines(files).map((line) => {
        const record = JSON.parse(line) as Record<string, unknown>;
        if (record["kind"] === kind) change(record);
        return JSON.stringify(record);
      }),
    ),
  );

describe("the untouched evidence of a live run", () => {
  test("passes, with every signature verified by the reader's key", async () => {
    const audit = await auditAltered(() => undefined);
    expect(audit.findings).toEqual([]);
    expect(audit).toMatchObject({ runId: liveRunId, mode: "live", ended: true, signaturesVerified: 4, signaturesNotVerified: 0 });
    expect(audit.checked.join("\n")).toContain("4 approvals");
  });

  test("without a key its signatures stay unverified, and are counted", async () => {
    expect(await auditAltered(() => undefined, null)).toMatchObject({ findings: [], signaturesVerified: 0, signaturesNotVerified: 4 });
  });

  test("is what the engine left as its bundle, byte for byte", () => {
    expect(run.bundle.equals(toTar(new Map([...run.files, ["EVIDENCE.sha256", toEvidenceList(run.files)] as const])))).toBe(true);
  });

  test("is one tar, byte for byte", () => {
    const files = new Map([...run.files, ["EVIDENCE.sha256", toEvidenceList(run.files)] as const]);
    expect(toTar(files).equals(toTar(new Map([...files].toReversed())))).toBe(true);
    expect([...fromTar(toTar(files)).keys()]).toEqual([...files.keys()].toSorted());
  });
});

const alterations: readonly (readonly [
  name: string,
  code: AuditFinding["what"] | AuditFinding["code"],
  place: { readonly file?: string | RegExp; readonly record?: number },
  alter: (files: Files) => void | Promise<void>,
])[] = [
  [
    "an edited record of the journal",
    "chain_broken",
    { file: "journal.jsonl", record: 5 },
    (files) =>
      write(
        files,
        lines(files).map((line, index) => (index === 4 ? line.replace("information_unit", "information_unix") : line)),
      ),
  ],
  [
    "an edited record, the chain made anew",
    "witness_differs",
    { file: "journal.jsonl", record: 6 },
    (files) => edit(files, "census_before", (record) => void (record["system_identifier"] = "8")),
  ],
  [
    "a removed record, the chain made anew",
    "journal_illegal",
    { file: "journal.jsonl" },
    (files) => write(files, rechain(lines(files).filter((line) => !line.includes('"kind":"receipt","phase":"mark"')))),
  ],
  ["a cut tail", "tail_cut", { file: "journal.jsonl" }, (files) => write(files, lines(files).slice(0, -12))],
  ["a tail cut just before its end", "tail_cut", { file: "journal.jsonl" }, (files) => write(files, lines(files).slice(0, -2))],
  [
    "a journal torn in mid-record",
    "tail_cut",
    { file: "journal.jsonl" },
    (files) => void files.set("journal.jsonl", (files.get("journal.jsonl") ?? Buffer.alloc(0)).subarray(0, -5)),
  ],
  [
    "two records changed about",
    "chain_broken",
    { file: "journal.jsonl", record: 2 },
    (files) => {
      const [a = "", b = "", c = "", d = "", ...rest] = lines(files);
      write(files, [a, b, d, c, ...rest]);
    },
  ],
  [
    "a swapped phase document",
    "receipt_differs",
    { file: "documents/02-mark.md" },
    (files) => void files.set("documents/02-mark.md", files.get("documents/03-cutplan.md") ?? Buffer.alloc(0)),
  ],
  [
    "an edited receipt, the chain made anew",
    "receipt_differs",
    { file: "documents/11-closeout.md" },
    (files) => edit(files, "receipt", (record) => void (record["phase"] === "closeout" && (record["sha256"] = "0".repeat(64)))),
  ],
  [
    "an edited output",
    "output_changed",
    { file: "outputs/02-mark.json" },
    (files) => replace(files, "outputs/02-mark.json", '"level": 1', '"level": 2'),
  ],
  ["a changed plan", "plan_invalid", { file: "plan.json" }, (files) => replace(files, "plan.json", '"title":"One"', '"title":"Won"')],
  ["a changed document", "plan_invalid", { file: /^(plan\.json|source\.md)$/ }, (files) => replace(files, "source.md", "Text.", "Next.")],
  ["another request", "request_differs", { file: "request.yaml" }, (files) => replace(files, "request.yaml", "sg-1.md", "sg-9.md")],
  [
    "another signature over the same document, by a key of somebody else's",
    "approval_missing",
    { file: "journal.jsonl" },
    async (files) =>
      void files.set(find(files, /sg-1-.*\.asc$/), await run.sign(files.get(find(files, /sg-1-.*\.md$/)) ?? Buffer.alloc(0), "other")),
  ],
  [
    "a changed word in an approval",
    "approval_missing",
    { file: "journal.jsonl" },
    (files) => replace(files, find(files, /sg-2-.*\.md$/), "Free prose.", "Free press."),
  ],
  [
    "another runbook than the ruling names",
    "approval_invalid",
    { file: /ruling-.*\.md$/, record: 2 },
    (files) => replace(files, "rollback_runbook.sql", "way back", "way out"),
  ],
  [
    "a forged key beside the run",
    "AUDIT_KEY_FOREIGN",
    { file: "keys/sovereign.asc" },
    (files) => void files.set("keys/sovereign.asc", Buffer.from(run.otherKey.bytes)),
  ],
  [
    "a missing phase document",
    "file_missing",
    { file: "documents/05-grant-probe.md" },
    (files) => void files.delete("documents/05-grant-probe.md"),
  ],
  ["a missing request", "file_missing", { file: "request.yaml" }, (files) => void files.delete("request.yaml")],
  ["a missing key", "file_missing", { file: "keys/sovereign.asc" }, (files) => void files.delete("keys/sovereign.asc")],
  ["an extra file", "file_extra", { file: "notes.txt" }, (files) => void files.set("notes.txt", Buffer.from("all was well\n"))],
  [
    "an approval the journal does not know",
    "file_extra",
    { file: "approvals/sg-1-extra.md" },
    (files) => void files.set("approvals/sg-1-extra.md", Buffer.from("# no\n")),
  ],
  [
    "a changed outcome",
    "outcome_differs",
    { file: "outcome.json" },
    (files) => replace(files, "outcome.json", '"exit_code": 0', '"exit_code": 20'),
  ],
  [
    "a changed report",
    "file_changed",
    { file: "report.txt" },
    (files) => replace(files, "report.txt", "one human signer", "two human signers"),
  ],
  [
    "a changed grant matrix",
    "file_changed",
    { file: "grant-matrix.txt" },
    (files) => void files.set("grant-matrix.txt", Buffer.from("role nobody\n")),
  ],
  [
    "an approval the journal tells otherwise",
    "approval_differs",
    { file: /sg-1-.*\.md$/ },
    (files) =>
      edit(files, "approval_verified", (record) => void (record["gate"] === "SG_1" && (record["issued_at"] = "2026-01-01T00:00:00Z"))),
  ],
  [
    "one UUID for two decisions",
    "uuid_reused",
    { file: "journal.jsonl" },
    (files) => edit(files, "approval_verified", (record) => void (record["review_decision_id"] = "11111111-0000-4000-8000-000000000001")),
  ],
  [
    "a write long after its approval",
    "approval_invalid",
    { file: /sg-2-.*\.md$/ },
    (files) => edit(files, "transaction", (record) => void (record["step"] === "SG_2" && (record["at"] = "2026-11-22T23:00:00.000Z"))),
  ],
  [
    "a write without a ruling",
    "effect_unauthorised",
    { file: "journal.jsonl" },
    (files) => write(files, rechain(lines(files).filter((line) => !line.includes('"gate":"RULING"')))),
  ],
  [
    "a commit without a transaction",
    "effect_differs",
    { file: "journal.jsonl" },
    (files) => write(files, rechain(lines(files).filter((line) => !line.includes('"kind":"transaction","step":"leg_b_record"')))),
  ],
  [
    "another effect than the approved one",
    "effect_differs",
    { file: "journal.jsonl" },
    (files) =>
      write(
        files,
        rechain(
          lines(files).map((line) =>
            /"kind":"effect_(intended|done)","step":"cut_leg_a"/.test(line)
              ? line.replace(/"effect_sha256":"[0-9a-f]{64}"/, `"effect_sha256":"${"0".repeat(64)}"`)
              : line,
          ),
        ),
      ),
  ],
  [
    "a phase document without its record",
    "document_differs",
    { file: "documents/02-mark.md" },
    (files) => void files.set("documents/02-mark.md", Buffer.from("# All was well\n")),
  ],
  [
    "a phase document that tells of another phase",
    "document_differs",
    { file: "documents/02-mark.md" },
    (files) => replace(files, "documents/02-mark.md", '"number": 2', '"number": 3'),
  ],
  [
    "an output of another shape, the journal made to fit",
    "AUDIT_OUTPUT_UNREADABLE",
    { file: "outputs/02-mark.json" },
    (files) => {
      files.set("outputs/02-mark.json", Buffer.from("{}"));
      edit(files, "phase_done", (record) => void (record["phase"] === "mark" && (record["output_sha256"] = sha256Hex(Buffer.from("{}")))));
    },
  ],
  [
    "a listed file that was changed",
    "file_changed",
    { file: "source.md" },
    (files) => {
      files.set("EVIDENCE.sha256", toEvidenceList(files));
      replace(files, "source.md", "Text.", "Next.");
    },
  ],
  [
    "a list that is none",
    "list_invalid",
    { file: "EVIDENCE.sha256" },
    (files) => void files.set("EVIDENCE.sha256", Buffer.from("nothing to see\n")),
  ],
];

describe("an alteration", () => {
  test.each(alterations)("%s is found as %s", async (_name, code, place, alter) => {
    const audit = await auditAltered(alter);
    const found = audit.findings.filter((one) => (one.what ?? one.code) === code);
    expect(found.length, JSON.stringify(audit.findings)).toBeGreaterThan(0);
    const matches = found.filter(
      ({ file, record }) =>
        (place.file === undefined || (typeof place.file === "string" ? file === place.file : place.file.test(file ?? ""))) &&
        (place.record === undefined || record === place.record),
    );
    expect(matches.length, JSON.stringify(found)).toBeGreaterThan(0);
  });

  test("an approval that was signed for another run is found, however well the journal tells it", async () => {
    const audit = await auditAltered(async (files) => {
      const name = find(files, /sg-1-.*\.md$/);
      const document = Buffer.from(text(files, name).replace(`"run_id": "${liveRunId}"`, '"run_id": "run-2"'));
      const signature = await run.sign(document);
      files.set(name, document).set(`${name}.sovereign.asc`, signature);
      edit(files, "approval_verified", (record) => {
        if (record["gate"] !== "SG_1") return;
        record["document_sha256"] = sha256Hex(document);
        record["signatures"] = [{ role: "sovereign", fingerprint: run.key.pin.fingerprint, signature_sha256: sha256Hex(signature) }];
      });
    });
    expect(audit.findings).toContainEqual(
      expect.objectContaining({
        code: "AUDIT_EVIDENCE_DIFFERS",
        what: "approval_invalid",
        problem: "it is for another run",
        file: expect.stringMatching(/sg-1-/),
        record: 3,
      }),
    );
  });

  test("evidence made throughout with somebody else's key fails by the reader's", async () => {
    const audit = await auditAltered(() => undefined, { sovereign: run.otherKey, architect: null });
    expect(audit.signaturesVerified).toBe(0);
    expect(audit.findings.filter(({ what }) => what === "approval_invalid").map(({ problem }) => problem)).toEqual([
      "APPROVAL_SIGNER_NOT_PINNED",
      "APPROVAL_SIGNER_NOT_PINNED",
      "APPROVAL_SIGNER_NOT_PINNED",
      "APPROVAL_SIGNER_NOT_PINNED",
    ]);
    expect(audit.findings).toContainEqual(expect.objectContaining({ code: "AUDIT_KEY_FOREIGN", file: "keys/sovereign.asc" }));
  });
});

test("a backup in the folder that is not the proven one is found, and the proven one is not", async () => {
  const output = JSON.parse(text(new Map(run.files), "outputs/04-pre-write-backup.json")) as { proven: { ciphertextSha256: string } };
  const inFolder = async (backupSha256: string): Promise<readonly string[]> => {
    const digestsOnly = new Map([["backup/run-1.dump.gpg", backupSha256]]);
    const list = Buffer.concat([toEvidenceList(run.files), Buffer.from(`${backupSha256}  backup/run-1.dump.gpg\n`)]);
    const audit = await auditRun(
      { origin: "folder", files: new Map([...run.files, ["EVIDENCE.sha256", list] as const]), digestsOnly },
      keys(),
      { phases, releaseSha256 },
    );
    return audit.findings.map(({ what }) => what ?? "");
  };
  expect(await inFolder(output.proven.ciphertextSha256)).toEqual([]);
  expect(await inFolder("0".repeat(64))).toEqual(["backup_differs"]);
});

test("wording is compared only by the release that wrote it: another one passes the untouched bundle, and says what it did not compare", async () => {
  const reworded = new Map([...run.files, ["report.txt", Buffer.from("another wording\n")] as const]);
  const judge = async (files: ReadonlyMap<string, Buffer>, release: string | null) =>
    await auditRun(readBundle(toTar(new Map([...files, ["EVIDENCE.sha256", toEvidenceList(files)] as const]))), keys(), {
      phases,
      releaseSha256: release,
    });
  expect((await judge(reworded, releaseSha256)).findings.map(({ file }) => file)).toEqual(["report.txt"]);
  for (const release of ["1".repeat(64), null]) {
    const later = await judge(reworded, release);
    expect(later.findings).toEqual([]);
    expect(later.notes).toEqual([
      expect.stringMatching(/^wording not compared, made by another release \(0\.6\.0, manifest sha256 0{64}\): report\.txt$/),
    ]);
    const forged = await judge(new Map([...run.files, ["grant-matrix.txt", Buffer.from("role nobody\n")] as const]), release);
    expect(forged.findings.map(({ file }) => file)).toEqual(["grant-matrix.txt"]);
  }
});
