// The report of a run: what it says of a live run and of a dry one, and that nothing a document brings along can steer a page or a
// terminal.
import { beforeAll, describe, expect, test } from "vitest";
import { toStatus } from "../../../../orchestrator/core/journal/status.ts";
import { renderHtml } from "../../../../orchestrator/core/page/html.ts";
import { renderMarkdown } from "../../../../orchestrator/core/page/markdown.ts";
import { renderText } from "../../../../orchestrator/core/page/text.ts";
import { toAccount, type RunAccount } from "../../../../orchestrator/core/report/account.ts";
import { toDuration, toRunPage } from "../../../../orchestrator/core/report/report.ts";
import type { RevertAccount } from "../../../../orchestrator/core/revert/account.ts";
import { toPhaseStem } from "../../../../orchestrator/core/knowledge-base/phase-document-id.ts";
import { phases } from "../../../../orchestrator/phases/index.ts";
import { liveRunId, makeLiveRunFiles, toRecords, type LiveRunFiles } from "../../../support/live-run-files.ts";
import { revertAccount } from "../../../support/revert-account.ts";

let run: LiveRunFiles;
let account: RunAccount;
beforeAll(async () => {
  run = await makeLiveRunFiles();
  const records = toRecords((run.files.get("journal.jsonl") ?? "").toString().split("\n").slice(0, -1));
  const status = toStatus(records);
  const outputs = new Map(
    status.done.map((done) => [
      done.phase,
      JSON.parse((run.files.get(`outputs/${toPhaseStem(done.number, done.phase)}.json`) ?? "").toString()) as unknown,
    ]),
  );
  account = toAccount({
    runId: liveRunId,
    records,
    status,
    outputs,
    texts: phases.map((phase) => ({ phase: phase.name, text: phase.toResult(outputs.get(phase.name)).text })),
    approvalDocuments: [...run.files].filter(([name]) => name.startsWith("approvals/")).map(([, bytes]) => bytes),
  });
}, 60_000);

const now = { at: "2026-11-22T12:00:00.000Z", killSwitch: "off", revert: null, restoreProofs: null };
const reverted: RevertAccount = { ...revertAccount, revertedAt: "2026-11-22T13:00:00.000Z", verifiedAt: "2026-11-22T13:00:01.000Z" };
const text = (change: Partial<RunAccount> = {}, seen: Parameters<typeof toRunPage>[1] = now): string =>
  renderText(toRunPage({ ...account, ...change }, seen));

describe("the report of a live run", () => {
  test("says what was cut, by whose authority, what was written, and how to go back", () => {
    const said = text();
    for (const part of [
      "LIVE: it writes to production",
      "Units          4",
      "harmless/one/two",
      `RULING  enabling execution             sovereign  ${run.key.pin.fingerprint}`,
      "one human signer",
      "cut_leg_a         2026",
      "committed by this run, and seen",
      "Now, at 2026-11-22T12:00:00.000Z: off.",
      `runbooks/emergency-revert --run-id ${liveRunId} --approval ${liveRunId}.REVERT.md`,
      "That the owner can still decrypt the backup",
    ])
      expect(said).toContain(part);
    expect(said).not.toContain("Nothing yet");
  });

  test("has one section for each question somebody asks", () => {
    expect(toRunPage(account, now).sections.map(({ title }) => title)).toEqual([
      "What was cut",
      "By whose authority",
      "Phases",
      "What was written",
      "Rows before and after",
      "Backup",
      "Kill switch",
      "Warnings",
      "What is certain, and what is not",
      "How to revert",
      "What each phase said",
    ]);
  });

  test("warns of a crash window taken as done, of an effect nobody saw, of accepted codes, of others' rows and of killed starts", () => {
    const [first] = account.effects;
    const [table] = account.tables;
    const [phase] = account.phases;
    if (first === undefined || table === undefined || phase === undefined) throw new Error("too little to warn of");
    const said = text({
      effects: [
        { ...first, step: "cut_leg_a", found: "already_there" },
        { ...first, step: "leg_b_record", doneAt: null, found: null },
      ],
      tables: [{ ...table, rowsBefore: 1, rowsAfter: 9, expectedGrowth: 4 }],
      phases: [{ ...phase, refusals: [{ code: "PRINCIPAL_TOO_STRONG", facts: {} }] }],
      killedAttempts: 1,
      attempts: 2,
    });
    expect(said).toContain(
      "cut_leg_a: the run was interrupted between its effect and its record. The effect was found in the database with the " +
        "expected digest, and taken as done.",
    );
    expect(said).toContain("Whether leg_b_record landed: the journal holds its intent only.");
    expect(said).toContain("The ruling accepts PRINCIPAL_TOO_STRONG by name");
    expect(said).toContain("changed by 8 rows, of which 4 are this run's");
    expect(said).toContain("1 of 2 starts ended without a word");
  });

  test("says of a reverted run that it is, and offers no second way back", () => {
    const said = text({}, { ...now, revert: reverted });
    expect(said).toMatch(/^=+\nREVERTED at 2026-11-22T13:00:00\.000Z\n/);
    expect(said).not.toContain("emergency-revert --run-id");
    expect(said).toContain("What stands above under “after” is from before the revert.");
  });

  test("shows the restore proof that was accepted in the place of the doubt, and says whose backup it was", () => {
    const backup = account.backup;
    if (backup === null) throw new Error("no backup");
    const proof = {
      runId: liveRunId,
      recipient: backup.recipientFingerprint,
      backupSha256: backup.sha256 ?? "",
      performedAt: "2026-11-22T14:00:00Z",
      signer: "A".repeat(40),
    };
    const own = text({}, { ...now, restoreProofs: [proof] });
    expect(own).toContain(
      `The owner decrypted this very backup on 2026-11-22T14:00:00Z; the accepted restore proof is signed by ${proof.signer}`,
    );
    expect(own).not.toContain("can still decrypt");
    const other = text({}, { ...now, restoreProofs: [{ ...proof, runId: "run-0", backupSha256: "0".repeat(64) }] });
    expect(other).toContain(
      "That the owner can decrypt this very file. With the key it is encrypted to the owner decrypted the backup of run run-0",
    );
    expect(text({}, { ...now, restoreProofs: [{ ...proof, recipient: "B".repeat(40) }] })).toContain(
      "That the owner can still decrypt the backup",
    );
  });

  test("without a moment of looking depends on the run alone", () => {
    expect(text({}, null)).toBe(text({}, null));
    expect(text({}, null)).not.toContain("Now, at");
  });
});

describe("the report of a dry run", () => {
  test("needs no authority, has nothing to revert, and names what would stop a live run", () => {
    const [phase] = account.phases;
    if (phase === undefined) throw new Error("no phase");
    const said = text({
      mode: "dryrun",
      approvals: [],
      effects: [],
      certificate: "inconclusive",
      certificateReasons: ["public.unit_version changed"],
      phases: [{ ...phase, refusals: [{ code: "APPROVAL_MISSING", facts: { gate: "SG_1" } }] }],
    });
    expect(said).toContain("None was needed: a dry run writes nothing");
    expect(said).toContain("There is nothing to revert");
    expect(said).toMatch(/source_pin {2}APPROVAL_MISSING {2}gate=SG_1 {2}have it drafted/);
    expect(said).toMatch(/^What would be cut$/m);
    expect(said).not.toContain("What was cut");
    expect(said).toContain("The certificate is inconclusive: public.unit_version changed.");
  });
});

describe("what a document brings along", () => {
  const hostile = [
    "<script>alert(1)</script>",
    "\u001b[31mred\u0007",
    "\u202Egnihtemos\u2066",
    "a|b`c`[d](javascript:alert(1))",
    "<img src=x onerror=alert(1)>",
    "\u{E0041}\u200bhidden",
    "one human signer",
    "\"'&amp;",
  ];
  const change = (): Partial<RunAccount> => ({
    documentId: "knowledge/<b>x</b>\u202e.md",
    plan: {
      payloadSha: "0".repeat(64),
      fromDigest: "0".repeat(64),
      units: hostile.map((title, ordinal) => ({ ordinal, address: `harmless/${title}`, kind: "section", title })),
    },
    phases: account.phases.map((phase) => ({
      ...phase,
      text: { summary: hostile.join(" "), facts: hostile.map((value) => [value, value] as const) },
    })),
  });

  test("stands on the page as text: no tag, no attribute, no control character", () => {
    const html = renderHtml(toRunPage({ ...account, ...change() }, now));
    const tags = [...html.matchAll(/<([!/a-z0-9]+)([^>]*)>/gi)];
    expect([...new Set(tags.map(([, name = ""]) => name.replace("/", "")))].toSorted()).toEqual([
      "!doctype",
      "body",
      "code",
      "div",
      "h1",
      "h2",
      "head",
      "html",
      "li",
      "main",
      "meta",
      "p",
      "pre",
      "section",
      "style",
      "table",
      "tbody",
      "td",
      "th",
      "thead",
      "title",
      "tr",
      "ul",
    ]);
    expect(
      [
        ...new Set(tags.flatMap(([, , attributes = ""]) => [...attributes.matchAll(/([a-z-]+)="[^"]*"/g)].map(([, name]) => name))),
      ].toSorted(),
    ).toEqual([
      "aria-label",
      "aria-labelledby",
      "charset",
      "class",
      "content",
      "http-equiv",
      "id",
      "lang",
      "name",
      "role",
      "scope",
      "tabindex",
    ]);
    expect(html).not.toMatch(/url\(|@import/);
    expect(html.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    expect(html).toContain("&#60;script&#62;alert(1)&#60;/script&#62;");
    expect(html).toContain("\\u202egnihtemos\\u2066");
    expect(html).toContain("\\ue0041\\u200bhidden");
    expect(html).toContain("default-src 'none'; style-src 'unsafe-inline'");
    expect(html.match(/<meta /g)).toHaveLength(3);
  });

  test("steers no terminal, and opens nothing in Markdown", () => {
    for (const rendered of [
      renderText(toRunPage({ ...account, ...change() }, now)),
      renderMarkdown(toRunPage({ ...account, ...change() }, now)),
    ]) {
      expect(rendered.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    }
    expect(renderMarkdown(toRunPage({ ...account, ...change() }, now))).toContain("a\\|b\\`c\\`\\[d\\](javascript:alert(1))");
  });

  test("cannot add a row or a section", () => {
    const plain = toRunPage(account, now);
    const rows = (html: string): number => html.match(/<section /g)?.length ?? 0;
    expect(rows(renderHtml(toRunPage({ ...account, ...change() }, now)))).toBe(rows(renderHtml(plain)));
  });
});

test("a duration is told in the unit that fits it", () => {
  expect([12, 9_999, 10_000, 599_000, 600_000, 7_200_000].map(toDuration)).toEqual([
    "12 ms",
    "9999 ms",
    "10 s",
    "599 s",
    "10 min",
    "120 min",
  ]);
});
