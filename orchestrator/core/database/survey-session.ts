// The survey's questions to the database as one psql session, and its answer as lines of facts. Pure; both sides ask the same.
import type { OrchestratorConfig } from "../config-schema.ts";
import { databaseContractSchema, toCatalogueScript, withPrincipal } from "./contract.ts";
import { sha256Hex } from "../encoding/digest.ts";
import { toPinScript } from "./session-settings.ts";
import { toGrantMatrixScript, toMatrixPrincipals } from "./grant-matrix.ts";

/** Where the texts lie below a sql/ folder. */
export const databaseSurveyFiles = {
  facts: "survey/database-facts.sql",
  contract: "contract/contract.json",
  catalogue: "contract/catalogue.sql",
  matrix: "phases/grant_probe/grant-matrix.sql",
} as const;

export type DatabaseSurveyTexts = Readonly<Record<keyof typeof databaseSurveyFiles, string>>;

export interface DatabaseSurvey {
  /** For psql's stdin, with `psqlOptions`. Catalogues only, each part in a read-only transaction. */
  readonly script: string;
  /** The lines to add to the host's facts; psql's whole stdout goes in. */
  toFactLines(stdout: string): string;
}

export const psqlOptions = ["-X", "-q", "-At", "-v", "ON_ERROR_STOP=1"] as const;

/** `config` null: nothing is pinned yet, so the governance principal's rights are not asked. */
export function toDatabaseSurvey(
  texts: DatabaseSurveyTexts,
  config: Pick<OrchestratorConfig, "governance_principal" | "revert_principal"> | null,
): DatabaseSurvey {
  const principals = config ?? { governance_principal: null, revert_principal: null };
  const contract = withPrincipal(databaseContractSchema.parse(JSON.parse(texts.contract)), principals.governance_principal);
  const inReadOnly = (sql: string): string => `begin transaction read only;\n${sql}\n;rollback;`;
  return {
    script: [
      toPinScript(),
      texts.facts,
      `select '${sectionHeadings.catalogue}';`,
      inReadOnly(toCatalogueScript(contract, texts.catalogue)),
      `select '${sectionHeadings.matrix}';`,
      inReadOnly(toGrantMatrixScript(toMatrixPrincipals(principals), texts.matrix)),
      "",
    ].join("\n"),
    toFactLines: (stdout) => {
      const [facts = "", afterFacts = ""] = stdout.split(`${sectionHeadings.catalogue}\n`);
      const [catalogue = "", matrix = ""] = afterFacts.split(`${sectionHeadings.matrix}\n`);
      return [
        `database\t${facts.trim()}`,
        `contract\t${JSON.stringify(contract)}`,
        `catalogue\t${catalogue.trim()}`,
        `grant_matrix_sha\t${sha256Hex(matrix)}`,
        "",
      ].join("\n");
    },
  };
}

const sectionHeadings = { catalogue: "=== catalogue", matrix: "=== grant matrix" } as const;
