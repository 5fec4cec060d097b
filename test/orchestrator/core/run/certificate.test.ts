// The certificate never says more than its evidence: each kind of evidence alone takes the pass away.
import { describe, expect, it } from "vitest";
import { certificateSchema, toCertificate, type CertificateEvidence } from "../../../../orchestrator/core/run/certificate.ts";

const unit = { table: "public.information_unit", rowCount: 60, sha256: "a".repeat(64), modifications: "60" };
const clean: CertificateEvidence = {
  before: [unit],
  after: [unit],
  connections: [{ login: "context_pack_readonly", transactions: 9, transactionIdsAssigned: [] }],
  unknownAttempts: 0,
  hidden: [],
  standby: false,
  firing: [],
  server: {
    before: { systemIdentifier: "7", counters: { resetAt: null, counted: true } },
    after: { systemIdentifier: "7", counters: { resetAt: null, counted: true } },
  },
  kbDocuments: ["knowledge/other/a.md"],
};

describe("the no-side-effect certificate", () => {
  it("passes when counts, digests, counters and transaction ids all say that nothing moved", () => {
    expect(toCertificate(clean)).toMatchObject({
      verdict: "pass",
      reasons: [],
      kbDocuments: ["knowledge/other/a.md"],
      tables: [{ rowsBefore: 60, rowsAfter: 60, modifications: "0" }],
    });
  });

  it("names the session it does not speak of, in a pass as well", () => {
    expect(toCertificate(clean).notCovered.join("\n")).toContain("pg_dump");
  });

  it("names what fires beside a write, in a pass as well", () => {
    const certificate = toCertificate({ ...clean, firing: ["trigger audit on public.unit_version"] });
    expect([certificate.verdict, certificate.notCovered.at(-1)]).toEqual([
      "pass",
      "trigger audit on public.unit_version: a live run makes it fire, and rows it writes outside the tables in scope are not counted",
    ]);
  });

  it("reads a certificate of an earlier release, which said nothing of the server", () => {
    const { server, notCovered, ...earlier } = toCertificate(clean);
    expect([server?.systemIdentifierAfter, notCovered.length > 0]).toEqual(["7", true]);
    expect(certificateSchema.parse(earlier)).toMatchObject({ verdict: "pass", server: null, notCovered: [] });
  });

  it("fails when a connection of ours was given a transaction id, even if the rows are as before", () => {
    const connections = [...clean.connections, { login: "cutter_exec", transactions: 1, transactionIdsAssigned: ["771"] }];
    const { verdict, reasons } = toCertificate({ ...clean, connections });
    expect(verdict).toBe("fail");
    expect(reasons).toEqual(["cutter_exec was given transaction ids 771: this run wrote"]);
  });

  it.each([
    ["a row more", { after: [{ ...unit, rowCount: 61 }] }, "60 rows before, 61 after"],
    ["another digest", { after: [{ ...unit, sha256: "b".repeat(64) }] }, "changed"],
    ["an insert that was deleted again", { after: [{ ...unit, modifications: "62" }] }, "2 rows inserted, updated or deleted"],
    ["counters that were reset", { after: [{ ...unit, modifications: "0" }] }, "-60 rows"],
    ["a table that is gone", { after: [] }, "is not there after"],
    ["a table nobody measured before", { before: [], after: [unit] }, "was not measured before"],
    ["no measurement at all", { before: [], after: [] }, "no table in scope was measured"],
    ["no connection that told anything", { connections: [] }, "no connection told what it did"],
    [
      "a connection that broke off",
      { connections: [{ login: "cutter_exec", transactions: 1, transactionIdsAssigned: ["unknown"] }] },
      "a connection of cutter_exec broke off",
    ],
    [
      "another server",
      { server: { ...clean.server, after: { ...clean.server.after, systemIdentifier: "8" } } },
      "the database is another one: system_identifier 7 before, 8 after",
    ],
    [
      "counters reset to what they were",
      { server: { ...clean.server, after: { ...clean.server.after, counters: { resetAt: "2026-11-22T10:00:00Z", counted: true } } } },
      "reset or lost meanwhile: last reset never before, 2026-11-22T10:00:00Z after",
    ],
    [
      "a login that does not see every row",
      { hidden: [{ login: "cutter_verify", role: "cutter_verify", table: "public.unit_version", why: "row security" }] },
      "cutter_verify (role cutter_verify) does not see public.unit_version as one whole table: row security",
    ],
    ["a standby", { standby: true }, "its counters do not see what is written to the primary"],
    [
      "counters that were off before",
      { server: { ...clean.server, before: { systemIdentifier: "7", counters: { resetAt: null, counted: false } } } },
      "track_counts was off",
    ],
    [
      "counters that are off now",
      { server: { ...clean.server, after: { systemIdentifier: "7", counters: { resetAt: null, counted: false } } } },
      "track_counts was off",
    ],
    [
      "counters nobody looked at before",
      { server: { ...clean.server, before: { systemIdentifier: "7", counters: null } } },
      "was not recorded before",
    ],
    ["a start that was killed", { unknownAttempts: 1 }, "1 earlier start(s)"],
  ] satisfies readonly (readonly [string, Partial<CertificateEvidence>, string])[])("is inconclusive for %s", (_name, change, reason) => {
    const { verdict, reasons } = toCertificate({ ...clean, ...change });
    expect(verdict).toBe("inconclusive");
    expect(reasons.join("\n")).toContain(reason);
  });
});
