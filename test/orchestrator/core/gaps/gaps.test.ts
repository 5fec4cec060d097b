// The gap rules on facts: a ready host, each single damage and the gap it opens, and what is never taken for granted.
import { describe, expect, test } from "vitest";
import { toGaps } from "../../../../orchestrator/core/gaps/gaps.ts";
import { parseHostFacts } from "../../../../orchestrator/core/host/facts.ts";
import { noRestoreProofs } from "../../../../orchestrator/core/gaps/restore-proof.ts";
import { noRulings } from "../../../../orchestrator/core/gaps/archived-rulings.ts";
import { toSurveyFindings } from "../../../../orchestrator/core/survey/findings.ts";
import { readyLines, spoil, unitFiles } from "../../../support/survey-facts.ts";

const openGaps = (text: string): readonly string[] =>
  toGaps(parseHostFacts(text), noRulings)
    .filter(({ state }) => state === "open")
    .map(({ id }) => id);
const evidenceOf = (text: string, id: string): readonly string[] =>
  toGaps(parseHostFacts(text), noRulings).find((gap) => gap.id === id)?.evidence ?? [];

describe("gaps", () => {
  test("a ready host has GAP-1 to GAP-6 closed, 7 and 8 open: those are people's", () => {
    expect(openGaps(readyLines().join("\n"))).toEqual(["GAP-7", "GAP-8"]);
  });

  test.each(unitFiles)("opens GAP-2 when %s, which pulumi up gives to systemd, was changed", (path) => {
    const changed = spoil(new RegExp(`^(path\tfile\t.*\t${RegExp.escape(path)}\t)[0-9a-f]{64}`), `$1${"e".repeat(64)}`);
    expect(openGaps(changed)).toContain("GAP-2");
    expect(evidenceOf(changed, "GAP-2").join()).toContain(path);
  });

  test("a bare host has every gap open, each with evidence", () => {
    const bare = ["format\tcutter.host-facts/1", "uid\t0", "database_problem\tpsql ended with exit code 1", "end\tok"].join("\n");
    expect(openGaps(bare)).toEqual(["GAP-1", "GAP-2", "GAP-3", "GAP-4", "GAP-5", "GAP-6", "GAP-7", "GAP-8"]);
    for (const gap of toGaps(parseHostFacts(bare), noRulings)) expect(gap.evidence.length).toBeGreaterThan(0);
  });

  test.each<[string, string, RegExp, string, string]>([
    ["a changed release file", "GAP-1", /^(release_file\t644\t4\troot\t)[0-9a-f]{64}/, `$1${"e".repeat(64)}`, "bin/cutter.mjs was changed"],
    ["a release file of another mode", "GAP-1", /^release_file\t755/, "release_file\t777", "bin/node has mode 777"],
    ["a release file of another owner", "GAP-1", /^release_file\t755\t4\troot/, "release_file\t755\t4\tcutter", "belongs to cutter"],
    ["a missing release file", "GAP-1", /^release_file.*bin\/node$/, "", "bin/node is missing"],
    [
      "a file that no manifest lists",
      "GAP-1",
      /^(release_file\t644\t4.*)$/,
      "$1\nrelease_file\t755\t1\troot\tab\tbin/extra",
      "bin/extra is in no manifest",
    ],
    ["a manifest edited along with the file", "GAP-1", /^(current\t[^\t]+\t)[0-9a-f]{64}/, `$1${"e".repeat(64)}`, "holds the manifest of"],
    ["a current link that leads nowhere", "GAP-1", /^current\t.*$/, "", "leads to no release"],
    [
      "a command that leads elsewhere",
      "GAP-2",
      /\/opt\/cutter\/current\/bin\/cutter$/,
      "/tmp/cutter",
      "does not lead to the current release",
    ],
    [
      "an edited unit",
      "GAP-2",
      /^(path\tfile\t644\troot\troot\t9\t\/etc\/systemd\/system\/cutter-run@.service\t).*/,
      `$1${"e".repeat(64)}`,
      "cutter-run@.service was changed",
    ],
    [
      "a socket that is off",
      "GAP-2",
      /^unit\tcutter-dump.socket\tenabled\tactive/,
      "unit\tcutter-dump.socket\tdisabled\tinactive",
      "is disabled and inactive",
    ],
    ["a release nobody claims", "GAP-2", /^claim\t.*releases.*$/, "", "no release is in the kit's ownership manifest"],
    ["a fingerprint line that is gone", "GAP-3", /^env\t[^\t]+\tBACKUP_GPG_FPR.*$/, "", "BACKUP_GPG_FPR is not there"],
    ["a fingerprint line twice", "GAP-3", /^(env\t[^\t]+\tBACKUP_GPG_FPR)\t1\t1/, "$1\t2\t2", "stands 2 times"],
    [
      "a fingerprint of another key",
      "GAP-3",
      /^(backup_fingerprint\t[^\t]+\t).*/,
      `$1${"A".repeat(40)}`,
      "orchestrator.backup_gpg_fpr is 0123",
    ],
    ["a key file with another key", "GAP-3", /^(key\t[^\t]+\t).*/, `$1${"A".repeat(40)}`, "holds AAAA"],
    [
      "a missing right of the governance principal",
      "GAP-4",
      /("directus_secdef","table":"cutter_governance.review_decision","privilege":"INSERT","held":)true/,
      "$1false",
      "sql/grants/directus_secdef.sql",
    ],
    [
      "a function that is not there",
      "GAP-4",
      /("public.fn_iu_create","present":)true/,
      "$1false",
      "the database has no public.fn_iu_create",
    ],
    [
      "a database that does not fit the contract",
      "GAP-4",
      /^(catalogue\t.*?"arguments":")/,
      "$1extra text, ",
      "sql/contract: function public.fn_iu_create",
    ],
    ["a database that does not answer", "GAP-4", /^database\t.*$/, "database_problem\tpsql ended with exit code 2", "could not be asked"],
    ["a principal's DSN that is gone", "GAP-4", /^env\t[^\t]+\tDIRECTUS_SECDEF_DSN.*$/, "", "DIRECTUS_SECDEF_DSN is not in"],
    [
      "a deleted folder",
      "GAP-5",
      /^path\tfolder\t700\tcutter\tcutter\t0\t\/var\/lib\/cutter\/locks/,
      "path\tabsent\t\t\t\t0\t/var/lib/cutter/locks",
      "/var/lib/cutter/locks is absent",
    ],
    ["a folder of another mode", "GAP-5", /^path\tfolder\t700(.*runs\t)$/, "path\tfolder\t755$1", "is folder 755 cutter:cutter, should be"],
    ["a link in a folder's place", "GAP-5", /^path\tfolder(.*locks\t)$/, "path\tlink$1", "is link"],
    ["an edited config", "GAP-5", /^(path\tfile\t640.*orchestrator.yaml\t).*/, `$1${"e".repeat(64)}`, "orchestrator.yaml was changed"],
    ["an unknown key in the config", "GAP-5", /^(config\tkb_base_url.*)$/, "$1\nconfig\texecution_enabled: true", "unknown key"],
    ["a user that is gone", "GAP-5", /^user\t.*$/, "user\t\t", "user or group cutter is missing"],
    [
      "a runbook that was replaced",
      "GAP-6",
      /^(path\tfile.*rollback_runbook.sql\t).*/,
      `$1${"e".repeat(64)}`,
      "rollback_runbook.sql was changed",
    ],
    ["a runbook that is gone", "GAP-6", /^path\tfile(.*rollback_runbook.sql)\t.*/, "path\tabsent$1\t", "rollback_runbook.sql is absent"],
    [
      "a runbook that the kit released",
      "GAP-6",
      /^(claim\t.*rollback_runbook.*"state":")claimed/,
      "$1released",
      "is not in the kit's ownership manifest",
    ],
  ])("%s opens %s and says why", (_what, id, pattern, replacement, reason) => {
    const text = spoil(pattern, replacement);
    expect(openGaps(text)).toContain(id);
    expect(evidenceOf(text, id).join("\n")).toContain(reason);
  });

  test("an unpinned governance principal keeps GAP-4 open and names what DQ_4 proposes", () => {
    expect(evidenceOf(spoil(/governance_principal: directus_secdef/, "governance_principal: null"), "GAP-4")[0]).toContain(
      "DQ_4 proposes directus_secdef",
    );
  });

  test("the same facts give the same evidence: no time, no order of chance", () => {
    expect(toGaps(parseHostFacts(readyLines().join("\n")), noRulings)).toEqual(toGaps(parseHostFacts(readyLines().join("\n")), noRulings));
    expect(JSON.stringify(toGaps(parseHostFacts(readyLines().join("\n")), noRulings))).not.toMatch(/\d{4}-\d{2}-\d{2}T/);
  });

  test("facts that break off are no facts", () => {
    for (const text of [spoil(/^end\tok$/, ""), spoil(/^path\tlink.*current.*/, "path\tstrange\t1"), ""])
      expect(() => parseHostFacts(text)).toThrow(expect.objectContaining({ code: "SURVEY_FACTS_INVALID", exitCode: 70 }));
  });
});

describe("findings", () => {
  const codesOf = (text: string): readonly string[] =>
    toSurveyFindings(parseHostFacts(text), noRulings, noRestoreProofs).map(({ code }) => code);

  test("a ready host lacks a restore proof and a ratified runbook, nobody tried its logins, and nothing else", () => {
    expect(codesOf(readyLines().join("\n"))).toEqual(["RESTORE_PROOF_MISSING", "RUNBOOK_UNRATIFIED", "CONNECTIONS_UNTRIED"]);
  });

  test.each<[string, RegExp, string]>([
    ["ENV_FILE_UNSAFE", /^path\tfile\t600/, "path\tfile\t644"],
    ["ENV_FILE_MISSING", /^path\tfile\t600\troot\troot\t900/, "path\tabsent\t\t\t\t0"],
    ["ENV_NAME_MISSING", /^env.*DOT_CUTTER_DB_HOST.*$/, ""],
    ["ENV_NAME_DOUBLED", /^(env.*DOT_CUTTER_DB_HOST)\t1/, "$1\t2"],
    ["ENV_LINE_AMBIGUOUS", /^(env.*DOT_CUTTER_DB_HOST\t1)\t1/, "$1\t0"],
    ["ENV_VALUE_HAS_EQUALS", /^(env.*DOT_CUTTER_DB_HOST\t1\t1)\t0/, "$1\t1"],
    ["EXECUTION_DISABLED", /^path\tabsent\t\t\t\t0\t(.*DISABLED)/, "path\tfile\t644\troot\troot\t0\t$1"],
    ["EXECUTION_ARMED", /^(end\tok)$/, "armed\tR-1\n$1"],
    ["EXECUTION_LIVE", /^(end\tok)$/, "live\tR-1\n$1"],
    ["POSTGRES_NOT_RUNNING", /^container\tpostgres\trunning/, "container\tpostgres\texited"],
    ["DATABASE_UNREACHABLE", /^database\t.*$/, "database_problem\tx"],
    ["DATABASE_STANDBY", /"in_recovery":false/, '"in_recovery":true'],
    ["DISK_SPACE_LOW", /^disk_free_mib\t9000/, "disk_free_mib\t90"],
    ["ONE_HUMAN_SIGNER", /^path.*architect.asc.*$/, ""],
    ["GRANT_MATRIX_MISMATCH", /^grant_matrix_sha\t.*/, "grant_matrix_sha\tab"],
    ["CONTRACT_MISMATCH", /^(catalogue\t.*?"arguments":")/, "$1extra text, "],
  ])("%s is noticed", (code, pattern, replacement) => {
    expect(codesOf(spoil(pattern, replacement))).toContain(code);
  });
});
