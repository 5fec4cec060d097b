// GAP-3 and GAP-4: whom the backup is for, and who writes the governance records.
import type { OrchestratorConfig } from "../config-schema.ts";
import type { DatabaseFacts } from "../database/facts.ts";
import type { GapEvidence } from "./evidence.ts";
import { readSurveyedConfig } from "./state.ts";
import type { HostFacts } from "../host/facts.ts";
import { hostLayout } from "../host/layout.ts";

/**
 * The line in the env file, the configuration and the key file name one key. That root's keyring has it too is told, not demanded: the
 * keyring is not the kit's.
 */
export function evaluateGap3(facts: HostFacts): readonly GapEvidence[] {
  const config = readSurveyedConfig(facts);
  const file = (config === null ? undefined : config.env_files["BACKUP_GPG_FPR"]) ?? hostLayout.dockerEnv;
  const lines = facts.env.filter(({ name }) => name === "BACKUP_GPG_FPR");
  const here = lines.find((line) => line.file === file);
  const fingerprint = facts.backupFingerprints.find((entry) => entry.file === file)?.fingerprint ?? null;
  if (here === undefined || here.lines !== 1 || fingerprint === null) {
    const problem = here === undefined ? "is not there" : here.lines > 1 ? `stands ${here.lines} times` : "holds no fingerprint";
    return [{ ok: false, text: `BACKUP_GPG_FPR ${problem} in ${file}` }, ...checkRootKeyring(facts, config?.backup_gpg_fpr ?? null)];
  }
  const elsewhere = facts.backupFingerprints.find((entry) => entry.file !== file && entry.fingerprint !== fingerprint);
  const keyFile = `${hostLayout.keys}/backup.asc`;
  const inKeyFile = facts.keyFingerprints.get(keyFile) ?? [];
  return [
    { ok: true, text: `BACKUP_GPG_FPR=${fingerprint} stands once in ${file}` },
    ...(elsewhere === undefined ? [] : [{ ok: false, text: `${elsewhere.file} names another fingerprint` }]),
    config === null
      ? { ok: false, text: "orchestrator.yaml cannot be read, so nothing confirms the fingerprint" }
      : {
          ok: config.backup_gpg_fpr === fingerprint,
          text: `orchestrator.backup_gpg_fpr is ${config.backup_gpg_fpr === fingerprint ? "the same" : config.backup_gpg_fpr}`,
        },
    inKeyFile.length === 1 && inKeyFile[0] === fingerprint
      ? { ok: true, text: `${keyFile} holds this key and no other` }
      : { ok: false, text: inKeyFile.length === 0 ? toUnread(keyFile, facts.gpgProblem) : `${keyFile} holds ${inKeyFile.join(", ")}` },
    ...checkRootKeyring(facts, fingerprint),
  ];
}

/** A key that gpg had no place to look at is no key that cannot be read. */
function toUnread(keyFile: string, gpgProblem: string | null): string {
  if (gpgProblem === null) return `${keyFile} holds no readable key`;
  return `${keyFile} was not looked at: gpg found no place for its home on the host (${gpgProblem})`;
}

function checkRootKeyring(facts: HostFacts, fingerprint: string | null): readonly GapEvidence[] {
  if (fingerprint === null)
    return facts.rootKeyFingerprints.map((found) => ({
      ok: true,
      text: `root's keyring holds ${found}: likely the backup key, to be confirmed by a person`,
    }));
  return [
    { ok: true, text: facts.rootKeyFingerprints.includes(fingerprint) ? "root's keyring holds it too" : "root's keyring does not hold it" },
  ];
}

/**
 * Pinned by a person (there is no default), allowed by the database to do exactly that work, and its login is in the env files. Read-only:
 * the kit grants nothing.
 */
export function evaluateGap4(facts: HostFacts): readonly GapEvidence[] {
  const config = readSurveyedConfig(facts);
  const principal = config?.governance_principal ?? null;
  const database = checkDatabase(facts);
  if (principal === null)
    return [{ ok: false, text: "orchestrator.governance_principal is not pinned; DQ_4 proposes directus_secdef" }, ...database];
  return [
    { ok: true, text: `orchestrator.governance_principal is ${principal}` },
    ...database,
    ...(facts.database === null ? [] : checkRights(facts.database, principal)),
    ...(principal === "directus_secdef"
      ? [checkEnvName(facts, "DIRECTUS_SECDEF_DSN")]
      : [checkEnvName(facts, "DOT_CUTTER_EXEC_DB_USER"), checkEnvName(facts, "DOT_CUTTER_EXEC_DB_PASSWORD")]),
  ];
}

function checkDatabase(facts: HostFacts): readonly GapEvidence[] {
  const { database } = facts;
  if (database === null) return [{ ok: false, text: `the database could not be asked: ${facts.databaseProblem ?? "unknown"}` }];
  const missing = [...database.tables, ...database.functions].filter(({ present }) => !present).map(({ name }) => name);
  const differences = facts.contractDifferences.filter(({ object }) => !object.startsWith("right "));
  return [
    {
      ok: missing.length === 0,
      text:
        missing.length === 0
          ? `all ${database.tables.length} tables and ${database.functions.length} functions of the substrate are there`
          : `the database has no ${missing.join(", ")}`,
    },
    ...(differences.length === 0
      ? [{ ok: true, text: "the database fits sql/contract" }]
      : differences
          .slice(0, shownDifferencesMax)
          .map(({ object, expected, found }) => ({ ok: false, text: `sql/contract: ${object} is ${found}, expected ${expected}` }))),
  ];
}

const shownDifferencesMax = 8;

function checkRights(database: DatabaseFacts, principal: NonNullable<OrchestratorConfig["governance_principal"]>): readonly GapEvidence[] {
  const rights = database.governance_rights.filter((right) => right.principal === principal);
  const missing = rights.filter(({ held }) => !held).map(({ privilege, table }) => `${privilege} on ${table}`);
  if (rights.length > 0 && missing.length === 0)
    return [{ ok: true, text: `${principal} may insert and select in the four tables of the decision and leg B` }];
  return [{ ok: false, text: `${principal} lacks ${missing.join(", ")}: sql/grants/${principal}.sql, for the owner's SQL gate` }];
}

function checkEnvName(facts: HostFacts, name: string): GapEvidence {
  const present = facts.env.some((entry) => entry.name === name && entry.lines === 1 && entry.plain === 1);
  return {
    ok: present,
    text: present ? `${name} is in the host's env files` : `${name} is not in the host's env files, or not as one plain line`,
  };
}
