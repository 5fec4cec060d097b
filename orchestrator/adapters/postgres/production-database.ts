// ProductionDatabase over node-postgres: a connection per login, opened on first use, reading only.
import {
  type Catalogue,
  type DatabaseContract,
  catalogueSchema,
  toCatalogueQuestion,
  toContractDifferences,
  toScopeTables,
  withPrincipal,
} from "../../core/database/contract.ts";
import { CutterError } from "../../core/errors.ts";
import { toForbiddenActions } from "../../core/database/forbidden-actions.ts";
import { toGrantMatrix, toPrincipalsSetting } from "../../core/database/grant-matrix.ts";
import type { ForbiddenProbe, HiddenTable, LoginName, ProductionDatabase, RegistryRows, ServerFacts } from "../../ports/database.ts";
import { type ReadConnection, type ReadTransaction, type TransactionLimits, openReadConnection } from "./connection.ts";
import { withLimits } from "./connection-limits.ts";
import { readContractFile } from "./sql-files.ts";
import { type EvidenceLogs, openEvidence } from "./evidence.ts";
import { openSnapshot } from "./open-snapshot.ts";
import { probeActions, readProbeStatements } from "./probe-forbidden.ts";
import { readCensus } from "./read-census.ts";
import { readDigest } from "./read-document-digest.ts";
import { readHiddenTables } from "./read-hidden-tables.ts";
import { toRegisteredDocuments, toRegistryRows, toServerFacts } from "./rows.ts";
import type { DatabaseLogins, GovernancePrincipal } from "./settings.ts";

const connectTimeoutMs = 10_000;
const quick: TransactionLimits = { lockTimeoutMs: 5_000, statementTimeoutMs: 30_000, idleTimeoutMs: 60_000, deadlineMs: 120_000 };
/** Digests stream whole tables; the substrate is some gigabytes. */
const streaming: TransactionLimits = { lockTimeoutMs: 5_000, statementTimeoutMs: 600_000, idleTimeoutMs: 60_000, deadlineMs: 1_800_000 };

/** Opens nothing yet: a run that is refused before its first phase never connects. `evidence` is shared with the run's other readers. */
export function openProductionDatabase(
  settings: DatabaseLogins,
  governancePrincipal: GovernancePrincipal,
  evidence: EvidenceLogs = openEvidence(),
): ProductionDatabase {
  const contract = readContractFile();
  const scope = toScopeTables(contract);
  const connections = new Map<LoginName, Promise<ReadConnection>>();

  const connect = (login: LoginName): Promise<ReadConnection> => {
    const loginSettings = settings.logins[login];
    if (loginSettings === undefined || loginSettings === null) return Promise.reject(new CutterError("DATABASE_LOGIN_UNSET", { login }));
    return openReadConnection(loginSettings, evidence.of(login), connectTimeoutMs).catch(async (error: unknown) => {
      throw await withLimits(
        error,
        loginSettings,
        Object.values(settings.logins).filter((other) => other !== null),
      );
    });
  };
  const connection = (login: LoginName): Promise<ReadConnection> => {
    const known = connections.get(login);
    if (known !== undefined) return known;
    const opened = connect(login);
    connections.set(login, opened);
    opened.then(
      (open) => open.lost.then(() => connections.delete(login)),
      () => connections.delete(login),
    );
    return opened;
  };
  const read = async <Result>(
    login: LoginName,
    limits: TransactionLimits,
    work: (transaction: ReadTransaction) => Promise<Result>,
  ): Promise<Result> => await (await connection(login)).read(limits, work);

  return {
    backupTables: contract.backupTables,
    readServerFacts: () =>
      read("context_pack_readonly", quick, async (transaction): Promise<ServerFacts> =>
        toServerFacts(await transaction.query("phases/source_pin/server-facts.sql", [])),
      ),
    readContractFindings: () =>
      read("context_pack_readonly", quick, async (transaction) => {
        const asked = withPrincipal(contract, governancePrincipal);
        return toContractDifferences(asked, await readCatalogue(transaction, asked));
      }),
    captureContract: () =>
      read("context_pack_readonly", quick, (transaction) => readCatalogue(transaction, withPrincipal(contract, governancePrincipal))),
    readFiring: () =>
      read("context_pack_readonly", quick, async (transaction) => {
        const { firing } = await readCatalogue(transaction, withPrincipal(contract, governancePrincipal));
        return firing;
      }),
    readHiddenTables: async () => {
      const logins = (["context_pack_readonly", "cutter_exec", "cutter_verify", "governance"] as const).filter(
        (login) => (settings.logins[login] ?? null) !== null,
      );
      const hidden: HiddenTable[] = [];
      for (const login of logins) hidden.push(...(await read(login, quick, (transaction) => readHiddenTables(transaction, login, scope))));
      return hidden;
    },
    readRegistryRows: (documentId) =>
      read("context_pack_readonly", quick, async (transaction): Promise<RegistryRows | null> =>
        toRegistryRows(await transaction.query("phases/source_pin/registry-rows.sql", [documentId])),
      ),
    readRegisteredDocuments: () =>
      read("context_pack_readonly", quick, async (transaction) =>
        toRegisteredDocuments(await transaction.query("survey/registered-documents.sql", [])),
      ),
    readDocumentDigest: (documentId, plannedAddresses) =>
      read("context_pack_readonly", streaming, (transaction) => readDigest(transaction, documentId, plannedAddresses)),
    readTableCensus: () => read("context_pack_readonly", streaming, (transaction) => readCensus(transaction, scope)),
    readGrantMatrix: (principals) =>
      read("context_pack_readonly", quick, async (transaction) => {
        await transaction.query(
          "phases/grant_probe/grant-matrix.sql",
          [toPrincipalsSetting(principals)],
          "select set_config('cutter.principals', $1, true)",
        );
        return toGrantMatrix(
          (await transaction.query<{ line: string }>("phases/grant_probe/grant-matrix.sql", [])).map(({ line }) => line),
        );
      }),
    probeForbiddenActions: async () => {
      const actions = toForbiddenActions(contract, governancePrincipal);
      const functions = contract.functions.map(({ name }) => name);
      const statements = await read("context_pack_readonly", quick, (transaction) => readProbeStatements(transaction, scope, functions));
      const probes: ForbiddenProbe[] = [];
      for (const login of new Set(actions.map((action) => action.login))) {
        probes.push(
          ...(await read(login, quick, (transaction) =>
            probeActions(
              transaction,
              actions.filter((action) => action.login === login),
              statements,
            ),
          )),
        );
      }
      return probes;
    },
    openSnapshot: async (documentId, plannedAddresses) =>
      openSnapshot(await connect("context_pack_readonly"), documentId, plannedAddresses),
    connectionEvidence: () => evidence.all(),
    close: async () => {
      const open = [...connections.values()];
      connections.clear();
      await Promise.allSettled(open.map(async (each) => await (await each).close()));
    },
  };
}

/** What the database has of the objects that `contract` names. */
async function readCatalogue(transaction: ReadTransaction, contract: DatabaseContract): Promise<Catalogue> {
  await transaction.query("contract/catalogue.sql", [toCatalogueQuestion(contract)], "select set_config('cutter.contract', $1, true)");
  const [row] = await transaction.query<{ catalogue: unknown }>("contract/catalogue.sql", []);
  return catalogueSchema.parse(row?.catalogue);
}
