// A walk over what ALTER DATABASE and ALTER ROLE can set: each setting with an unusual value, and everything the adapters read and write,
// as one text to compare.
import type { Client } from "pg";
import { openEvidence } from "../../../orchestrator/adapters/postgres/evidence.ts";
import { openProductionDatabase } from "../../../orchestrator/adapters/postgres/production-database.ts";
import { openRecorders } from "../../../orchestrator/adapters/postgres/recorders.ts";
import { openRevertDatabase } from "../../../orchestrator/adapters/postgres/revert-database.ts";
import { openWriteDatabase } from "../../../orchestrator/adapters/postgres/write-database.ts";
import { expectedSettings, requiredSettings } from "../../../orchestrator/core/database/session-settings.ts";
import { Secret } from "../../../orchestrator/core/host/secret.ts";
import { toCutSteps } from "../cut-steps.ts";
import { makePermission } from "../write-permission.ts";
import type { CutDocument } from "./cut-by-sql.ts";
import { harmlessSettings, plannerSettings, unusualValues } from "./known-settings.ts";
import type { TestPostgres } from "./postgres.ts";
import { toTestSettings } from "./production-database.ts";

export interface WalkedSetting {
  readonly name: string;
  readonly class: "pinned" | "refused" | "planner" | "harmless" | "unknown";
  readonly unusual: string | null;
}

/** Contexts `user` and `superuser`, plpgsql's own among them: what a role or a database may be given. */
export async function readWalk(admin: Client): Promise<readonly WalkedSetting[]> {
  await admin.query("load 'plpgsql'");
  const { rows } = await admin.query<{ name: string; vartype: string; boot: string; low: string; high: string; words: string[] | null }>(
    "select name, vartype, boot_val as boot, min_val as low, max_val as high, enumvals as words from pg_settings " +
      "where context in ('user', 'superuser') order by name collate \"C\"",
  );
  return rows.map((row) => ({ name: row.name, class: toClass(row.name), unusual: toUnusual(row) }));
}

function toClass(name: string): WalkedSetting["class"] {
  if (harmlessSettings.has(name)) return plannerSettings.has(name) ? "planner" : "harmless";
  if (name in requiredSettings) return "refused";
  return name in expectedSettings || name.startsWith("tcp_keepalives_") || name === "tcp_user_timeout" ? "pinned" : "unknown";
}

interface Row {
  readonly name: string;
  readonly vartype: string;
  readonly boot: string;
  readonly low: string;
  readonly high: string;
  readonly words: readonly string[] | null;
}

function toUnusual({ name, vartype, boot, low, high, words }: Row): string | null {
  const given = unusualValues[name];
  if (given !== undefined) return given;
  if (vartype === "bool") return boot === "on" ? "off" : "on";
  if (vartype === "enum") return words?.find((word) => word !== boot) ?? null;
  return boot === low ? high : low;
}

/** In one transaction. */
export async function setAll(admin: Client, whom: string, settings: readonly WalkedSetting[]): Promise<void> {
  await admin.query(settings.map((setting) => toSet(whom, setting)).join(""));
}

const toSet = (whom: string, { name, unusual }: WalkedSetting): string =>
  unusual === null
    ? ""
    : `alter ${whom} set ${name} to ${unusual
        .split(", ")
        .map((part) => `'${part}'`)
        .join(", ")};`;

/**
 * Everything the adapters read, and one document cut through them: decided, created, enacted. Ids, times and the server's clock are left
 * out, so that two looks at equal rows are equal texts. `document` must be registered and not be cut.
 */
export async function lookEverywhere(server: TestPostgres, cut: CutDocument, fresh: CutDocument): Promise<string> {
  const settings = toTestSettings(server);
  const evidence = openEvidence();
  const database = openProductionDatabase(settings, "directus_secdef", evidence);
  const recorders = openRecorders(settings, null, { evidence });
  const reader = settings.logins.context_pack_readonly;
  const reverts = openRevertDatabase({
    reader,
    revert: { ...reader, user: "cutter_revert", password: new Secret(server.passwords.cutter_revert) },
  });
  const writeDatabase = openWriteDatabase(settings, (id, addresses) => database.readDocumentDigest(id, addresses));
  const steps = toCutSteps({ recorders, database, writeDatabase, register: () => Promise.reject(new Error("registered before")) });
  try {
    const { serverVersion, systemIdentifier, inRecovery, fsync, fullPageWrites } = await database.readServerFacts();
    const snapshot = await database.openSnapshot(cut.documentId, cut.addresses);
    await snapshot.close();
    const read = {
      facts: { serverVersion, systemIdentifier, inRecovery, fsync, fullPageWrites },
      findings: await database.readContractFindings(),
      catalogue: await database.captureContract(),
      registry: await database.readRegistryRows(cut.documentId),
      digest: await database.readDocumentDigest(cut.documentId, cut.addresses),
      snapshot: snapshot.digest,
      hidden: await database.readHiddenTables(),
      matrix: (await database.readGrantMatrix(["context_pack_readonly", "cutter_exec"])).sha256,
      probes: await database.probeForbiddenActions(),
      units: await recorders.readUnits(cut.documentId, cut.runId),
      claims: (await recorders.readClaims(cut.documentId, cut.sourceDocumentId, "other")).length,
      state: await reverts.readState(cut.documentId, cut.runId, null),
      plan: await reverts.readUnits(cut.runId),
    };
    const lock = await recorders.lockDocument(fresh.documentId, fresh.runId);
    await lock.assertHeld();
    const request = await steps.toCreate(fresh, await steps.decide(fresh));
    await writeDatabase.createUnits(makePermission(fresh.runId, "cut_leg_a").permission, request);
    await lock.release();
    const made = (await recorders.readUnits(fresh.documentId, fresh.runId)).map(
      ({ kind, ordinal, storedBodySha256, isCurrent, createdBy }) => [kind, ordinal, storedBodySha256, isCurrent, createdBy],
    );
    return JSON.stringify({ read, made, wrote: evidence.all().flatMap(({ transactionIdsAssigned }) => transactionIdsAssigned) });
  } finally {
    await Promise.allSettled([database.close(), recorders.close(), reverts.close()]);
  }
}
