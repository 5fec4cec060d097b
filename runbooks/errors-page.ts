// Writes runbooks/errors.md from the registry of codes, so that a remedy is written once. `npm run errors-page` after a code
// changed.
import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import type { CodeEntry } from "../orchestrator/core/codes/entry.ts";
import { codesBySubject } from "../orchestrator/core/codes/index.ts";

export const errorsPagePath = resolve(import.meta.dirname, "errors.md");

const exitMeanings: Readonly<Record<number, string>> = {
  2: "usage",
  10: "refused or stopped, nothing written",
  11: "waiting, nothing written: run it again",
  20: "written, stopped or waiting: resumable",
  30: "stuck: a person must decide",
  70: "our bug",
  78: "configuration",
};

/** The page's text: by subject, every code by name, with what it means, its exit code and its remedy. */
export function toErrorsPage(): string {
  return [
    "# Codes and their remedies",
    "",
    "Generated from `orchestrator/core/codes/`; a code is printed as `CODE summary name=value … → remedy`. Where a code has " +
      "several cases, the",
    "fact `reason`, `field` or `what` says which.",
    "",
    "| exit | what it says about production |",
    "|---|---|",
    "| 0 | done |",
    ...Object.entries(exitMeanings).map(([exit, meaning]) => `| ${exit} | ${meaning} |`),
    "",
    '"Written" means rows in the production database; a file or a release on the host may have changed. The column below is the exit of',
    "the code itself: once a live run has written, 2, 10, 11 and 78 become 20 ([decision 27](../orchestrator/decisions/27-exit-codes.md)).",
    "`runbooks/disable` is plain shell; its own code `NOT_PROVEN` says on the spot what to do.",
    "",
    ...Object.keys(codesBySubject).map((subject) => `- [${subject}](#${toAnchor(subject)})`),
    ...Object.entries(codesBySubject).flatMap(([subject, codes]) => [
      "",
      `## ${subject}`,
      "",
      "| code | what it means | exit | what to do |",
      "|---|---|---|---|",
      ...toRows(codes),
    ]),
    "",
  ].join("\n");
}

function toRows(codes: Readonly<Record<string, CodeEntry>>): readonly string[] {
  return Object.entries(codes)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([code, { summary, remedy, exit }]) => `| \`${code}\` | ${escapeCell(summary)} | ${exit} | ${escapeCell(remedy)} |`);
}

/** As every reader of Markdown makes it of a heading. */
function toAnchor(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^a-z0-9 -]/g, "")
    .replaceAll(" ", "-");
}

function escapeCell(text: string): string {
  return text.replaceAll("|", "\\|");
}

if (import.meta.main) writeFileSync(errorsPagePath, toErrorsPage());
