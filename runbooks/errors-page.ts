// Writes runbooks/errors.md from the registry of codes, so that a remedy is written once. `node runbooks/errors-page.ts` after a code changed.
import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { codes } from "../orchestrator/core/codes/index.ts";

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

/** The page's text: every code by name, with what it means, its exit code and its remedy. */
export function toErrorsPage(): string {
  const rows = Object.entries(codes)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([code, { summary, remedy, exit }]) => `| \`${code}\` | ${escapeCell(summary)} | ${exit} | ${escapeCell(remedy)} |`);
  return [
    "# Codes and their remedies",
    "",
    "Generated from `orchestrator/core/codes/`; a code is printed as `CODE summary name=value … → remedy`.",
    "",
    "| exit | what it says about production |",
    "|---|---|",
    "| 0 | done |",
    ...Object.entries(exitMeanings).map(([exit, meaning]) => `| ${exit} | ${meaning} |`),
    "",
    "| code | what it means | exit | what to do |",
    "|---|---|---|---|",
    ...rows,
    "",
  ].join("\n");
}

function escapeCell(text: string): string {
  return text.replaceAll("|", "\\|");
}

if (import.meta.main) writeFileSync(errorsPagePath, toErrorsPage());
