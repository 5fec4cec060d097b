// PostgreSQL as far as a dry run sees it: tables with rows, counters that see undone writes, connections that tell what they did.
// It keeps test/orchestrator/adapters/postgres/contract-reads.ts, as the real adapter does.
import { createHash } from "node:crypto";
import type { Catalogue, Firing } from "../../../orchestrator/core/database/contract.ts";
import type {
  ConnectionEvidence,
  ContractFinding,
  DatabaseSnapshot,
  DocumentDigest,
  ForbiddenProbe,
  HiddenTable,
  LoginName,
  ProductionDatabase,
  RegisteredDocument,
  RegistryRows,
  ServerFacts,
  TableCensus,
} from "../../../orchestrator/ports/database.ts";
import type { FakeCut } from "./fake-cut.ts";

const sha = (text: string): string => createHash("sha256").update(text).digest("hex");

/** One database: what `cut` holds is what `database` reads, and the other way round. */
export function joinFakes(cut: FakeCut, database: FakeDatabase): void {
  database.cut = cut;
  cut.registry = database.registry;
  cut.readDigest = (documentId, plannedAddresses) => database.readDocumentDigest(documentId, plannedAddresses);
}

export class FakeDatabase implements ProductionDatabase {
  readonly backupTables = ["public.information_unit", "public.unit_version"];
  readonly tables = new Map<string, string[]>([
    ["public.information_unit", ["an older unit"]],
    ["public.unit_version", ["an older version"]],
    ["sandbox_tac.unit_version", ["decoy"]],
  ]);
  readonly registry = new Map<string, RegistryRows>();
  server: ServerFacts = {
    serverVersion: "18.6",
    serverVersionNum: 180006,
    systemIdentifier: "7000000000000000001",
    database: "directus",
    inRecovery: false,
    fsync: true,
    fullPageWrites: true,
    now: "2026-11-22T10:00:00.000Z",
    statisticsResetAt: "2026-11-01T00:00:00.000000Z",
    countsTracked: true,
  };
  readonly unitsThere = new Map<string, number>(); // by document id
  contractFindings: ContractFinding[] = [];
  firing: Firing[] = [];
  hiddenTables: HiddenTable[] = [];
  addressesTaken: string[] = [];
  matrixText = "role cutter_exec\n";
  probes: ForbiddenProbe[] = (["context_pack_readonly", "cutter_exec", "cutter_verify", "governance"] as const).map(
    (login): ForbiddenProbe => ({ login, action: "insert into public.information_unit", refused: true, sqlState: "42501" }),
  );
  cut: FakeCut | null = null; // what live runs wrote, for the census
  calls = 0;
  snapshotsOpen = 0;
  readonly #modifications = new Map<string, number>();
  readonly #evidence = new Map<LoginName, { transactions: number; assigned: string[] }>();
  #nextTransaction = 700;

  /** A write of ours, through one of the run's logins. */
  writeAs(login: LoginName, table: string, change: (rows: string[]) => void): void {
    this.#transaction(login).assigned.push(String(this.#nextTransaction++));
    this.writeAsStranger(table, change);
  }

  /** A write by somebody else: no connection of ours knows of it. */
  writeAsStranger(table: string, change: (rows: string[]) => void): void {
    const rows = this.tables.get(table) ?? [];
    change(rows);
    this.tables.set(table, rows);
    this.#modifications.set(table, (this.#modifications.get(table) ?? 0) + 1);
  }

  async readServerFacts(): Promise<ServerFacts> {
    return this.#read(() => this.server);
  }
  async readContractFindings(): Promise<readonly ContractFinding[]> {
    return this.#read(() => this.contractFindings);
  }
  async captureContract(): Promise<Catalogue> {
    return this.#read(() => ({ tables: [], functions: [], rights: [], standing: [], silent: [], firing: this.firing, settings: [] }));
  }
  async readFiring(): Promise<readonly Firing[]> {
    return this.#read(() => this.firing);
  }
  async readHiddenTables(): Promise<readonly HiddenTable[]> {
    return this.#read(() => this.hiddenTables);
  }
  async readRegistryRows(documentId: string): Promise<RegistryRows | null> {
    return this.#read(() => this.registry.get(documentId) ?? null);
  }
  async readRegisteredDocuments(): Promise<readonly RegisteredDocument[]> {
    const count = (code: string): number => this.cut?.rows.units.filter(({ docCode }) => docCode === code).length ?? 0;
    return this.#read(() =>
      [...this.registry.values()]
        .toSorted((a, b) => (a.documentId < b.documentId ? -1 : 1))
        .map(({ documentId, docCode, registeredSha256 }) => ({
          documentId,
          docCode,
          registeredSha256,
          unitsThere: this.unitsThere.get(documentId) ?? count(docCode),
        })),
    );
  }
  async readDocumentDigest(documentId: string, plannedAddresses: readonly string[]): Promise<DocumentDigest> {
    return this.#read(() => this.#digest(documentId, plannedAddresses));
  }
  async readTableCensus(): Promise<readonly TableCensus[]> {
    return this.#read(() => {
      const cut = this.cut?.tables() ?? new Map<string, readonly string[]>();
      return [...new Set([...this.tables.keys(), ...cut.keys()])].map((table) => {
        const written = cut.get(table) ?? [];
        const rows = [...(this.tables.get(table) ?? []), ...written];
        return {
          table,
          rowCount: rows.length,
          sha256: sha(rows.join("\n")),
          modifications: String((this.#modifications.get(table) ?? 0) + written.length),
        };
      });
    });
  }
  async readGrantMatrix() {
    return this.#read(() => ({ text: this.matrixText, sha256: sha(this.matrixText) }));
  }
  async probeForbiddenActions(): Promise<readonly ForbiddenProbe[]> {
    return this.#read(() => this.probes);
  }
  async openSnapshot(documentId: string, plannedAddresses: readonly string[]): Promise<DatabaseSnapshot> {
    this.snapshotsOpen += 1;
    return this.#read(() => ({
      id: "00000003-0000001B-1",
      digest: this.#digest(documentId, plannedAddresses),
      close: async () => {
        this.snapshotsOpen -= 1;
      },
    }));
  }
  connectionEvidence(): readonly ConnectionEvidence[] {
    return [...this.#evidence].map(([login, { transactions, assigned }]) => ({
      login,
      transactions,
      transactionIdsAssigned: [...assigned],
    }));
  }
  async close(): Promise<void> {}

  /**
   * Of the document's registry row and units, whoever holds a planned address, and strangers' units, which a test means to be this
   * document's.
   */
  #digest(documentId: string, plannedAddresses: readonly string[]): DocumentDigest {
    const registered = this.registry.get(documentId);
    const { units, enacted } = this.cut?.rows ?? { units: [], enacted: [] };
    const mine = units.filter(({ docCode, address }) => docCode === registered?.docCode || plannedAddresses.includes(address));
    const lifecycle = enacted.filter(({ address }) => mine.some((unit) => unit.address === address));
    const taken = units
      .map(({ address }) => address)
      .filter((address) => plannedAddresses.includes(address))
      .toSorted();
    return {
      sha256: sha(JSON.stringify([documentId, registered ?? null, this.tables.get("public.information_unit") ?? [], mine, lifecycle])),
      unitCount: units.filter(({ docCode }) => docCode === registered?.docCode).length,
      plannedAddressesTaken: [...this.addressesTaken, ...taken],
    };
  }

  #transaction(login: LoginName): { transactions: number; assigned: string[] } {
    const evidence = this.#evidence.get(login) ?? { transactions: 0, assigned: [] };
    evidence.transactions += 1;
    this.#evidence.set(login, evidence);
    return evidence;
  }

  async #read<Result>(answer: () => Result): Promise<Result> {
    this.calls += 1;
    this.#transaction("context_pack_readonly");
    return answer();
  }
}
