// The facts of a host: the lines of host-facts.sh, parsed and judged for shape. Pure; the survey's rules work on these and on nothing else.
import { z } from "zod";
import { databaseFactsSchema, type DatabaseFacts } from "../database/facts.ts";
import { catalogueSchema, databaseContractSchema, toContractDifferences, type ContractDifference } from "../database/contract.ts";
import { CutterError } from "../errors.ts";
import type { TriedConnection } from "./connections.ts";
import { tryParseJson } from "../encoding/try-parse-json.ts";

const text = z.string();
const count = z.coerce.number().int().min(0);

const pathFact = z.tuple([z.enum(["file", "folder", "link", "other", "absent"]), text, text, text, count, text, text.default("")]);
const releaseFile = z.tuple([text, count, text, text, text]);
const envFact = z.tuple([text, text, count, count, count]);

/** One path of the host. `mode` in octal without leading zeros; `digest` is a file's sha256, a link's target, or "". */
export interface PathFact {
  readonly kind: "file" | "folder" | "link" | "other" | "absent";
  readonly mode: string;
  readonly owner: string;
  readonly group: string;
  readonly path: string;
  readonly digest: string;
}

interface EnvFact {
  readonly file: string;
  readonly name: string;
  readonly lines: number; // lines that some reader could take for this key
  readonly plain: number; // of them, NAME=value with a value, as the kit reads it
  readonly withEquals: number; // of them, with a second "=" in the value
}

export interface HostFacts {
  readonly uid: number;
  readonly hostname: string;
  readonly machineIdentity: string;
  readonly paths: ReadonlyMap<string, PathFact>;
  readonly releases: readonly string[];
  readonly current: {
    readonly name: string;
    readonly manifestSha256: string;
    readonly manifest: string;
    readonly files: readonly ReleaseFileFact[];
  } | null;
  readonly config: string | null; // the text of orchestrator.yaml
  readonly claims: readonly string[]; // lines of the ownership manifest
  readonly units: ReadonlyMap<string, { readonly enabled: string; readonly active: string }>;
  readonly user: string; // "cutter:HOME:SHELL" or ""
  readonly group: string;
  readonly env: readonly EnvFact[];
  readonly backupFingerprints: readonly { readonly file: string; readonly fingerprint: string }[];
  readonly keyFingerprints: ReadonlyMap<string, readonly string[]>; // by key file
  readonly gpgProblem: string | null; // why gpg had no place on the host to read key files; null: it had one
  readonly rootKeyFingerprints: readonly string[];
  readonly keyFiles: ReadonlyMap<string, string>; // base64 of the signers' public keys, by file
  readonly rulings: readonly ArchivedDocument[];
  readonly restoreProofs: readonly ArchivedDocument[];
  readonly spent: readonly string[]; // lines of the ledger
  readonly requests: readonly string[];
  readonly runs: readonly RunFact[];
  readonly armed: readonly string[];
  readonly live: readonly string[];
  readonly containers: readonly { readonly name: string; readonly state: string; readonly image: string }[];
  readonly diskFreeMib: number | null;
  readonly database: DatabaseFacts | null;
  readonly databaseProblem: string | null;
  readonly contractDifferences: readonly ContractDifference[];
  readonly grantMatrixSha: string | null;
  /** Logins and knowledge base, tried by whoever asked for the facts; null: they were not tried. */
  readonly connections: readonly TriedConnection[] | null;
}

/** What lies on disk of one run: lines of its journal and of its revert's, those left out that decide nothing. */
export interface RunFact {
  readonly runId: string;
  readonly journal: readonly string[];
  readonly revertJournal: readonly string[];
  readonly last: string | null; // the journal's last line, whatever it says
}

/** A signed document as root keeps it: a folder by its digest. */
export interface ArchivedDocument {
  readonly sha256: string;
  readonly files: ReadonlyMap<string, string>; // base64 by file name
}

export interface ReleaseFileFact {
  readonly mode: string;
  readonly size: number;
  readonly owner: string;
  readonly sha256: string;
  readonly path: string;
}

/** @throws SURVEY_FACTS_INVALID when a line has another shape or the end is missing: half the facts are no facts. */
export function parseHostFacts(output: string): HostFacts {
  const lines = output.split("\n").map((line) => line.split("\t"));
  const invalid = (problem: string): CutterError => new CutterError("SURVEY_FACTS_INVALID", { problem });
  const of = (key: string): readonly (readonly string[])[] => lines.filter(([first]) => first === key).map(([, ...fields]) => fields);
  const first = (key: string): readonly string[] => of(key)[0] ?? [];
  const parsed = <T>(key: string, schema: z.ZodType<T>): readonly T[] =>
    of(key).map((fields) => {
      const result = schema.safeParse(fields);
      if (!result.success) throw invalid(`a line ${key} has another shape`);
      return result.data;
    });
  if (first("format")[0] !== "cutter.host-facts/1") throw invalid("no known format");
  if (first("end")[0] !== "ok") throw invalid("the facts break off");
  const current = first("current");
  return {
    uid: Number(first("uid")[0]),
    hostname: first("hostname")[0] ?? "",
    machineIdentity: first("machine")[0] ?? "",
    paths: new Map(
      parsed("path", pathFact).map(([kind, mode, owner, group, , path, digest]) => [path, { kind, mode, owner, group, path, digest }]),
    ),
    releases: of("release").map(toFirst),
    current:
      current[0] === undefined
        ? null
        : {
            name: current[0],
            manifestSha256: current[1] ?? "",
            manifest: of("manifest").map(toRaw).join("\n"),
            files: parsed("release_file", releaseFile).map(([mode, size, owner, sha256, path]) => ({ mode, size, owner, sha256, path })),
          },
    config: of("config").length === 0 ? null : `${of("config").map(toRaw).join("\n")}\n`,
    claims: of("claim").map(toRaw),
    units: new Map(of("unit").map(([name = "", enabled = "", active = ""]) => [name, { enabled, active }])),
    user: first("user")[0] ?? "",
    group: first("user")[1] ?? "",
    env: parsed("env", envFact).map(([file, name, any, plain, withEquals]) => ({ file, name, lines: any, plain, withEquals })),
    backupFingerprints: of("backup_fingerprint").map(([file = "", fingerprint = ""]) => ({ file, fingerprint })),
    keyFingerprints: toGroups(of("key")),
    gpgProblem: first("gpg_problem")[0] ?? null,
    rootKeyFingerprints: of("root_key").map(toFirst),
    keyFiles: new Map(of("key_file").map(([file = "", base64 = ""]) => [file, base64])),
    rulings: toArchivedDocuments(of("ruling")),
    restoreProofs: toArchivedDocuments(of("restore_proof")),
    spent: of("spent").map(toRaw),
    requests: of("request").map(toFirst),
    runs: of("run").map(([runId = ""]) => ({
      runId,
      journal: toLinesOf(of("run_line"), runId),
      revertJournal: toLinesOf(of("run_revert"), runId),
      last: toLinesOf(of("run_last"), runId)[0] ?? null,
    })),
    armed: of("armed").map(toFirst),
    live: of("live").map(toFirst),
    containers: of("container").map(([name = "", state = "", image = ""]) => ({ name, state, image })),
    diskFreeMib: first("disk_free_mib")[0] === undefined ? null : Number(first("disk_free_mib")[0]),
    ...toDatabase(first("database"), first("database_problem"), invalid),
    contractDifferences: toDifferences(first("contract"), first("catalogue"), invalid),
    grantMatrixSha: first("grant_matrix_sha")[0] ?? null,
    connections: null,
  };
}

function toDatabase(
  json: readonly string[],
  problem: readonly string[],
  invalid: (problem: string) => CutterError,
): Pick<HostFacts, "database" | "databaseProblem"> {
  if (json.length === 0) return { database: null, databaseProblem: problem[0] ?? "not asked" };
  const parsed = databaseFactsSchema.safeParse(tryParseJson(toRaw(json)));
  if (!parsed.success) throw invalid("the facts of the database have another shape");
  return { database: parsed.data, databaseProblem: null };
}

function toDifferences(
  contractLine: readonly string[],
  catalogueLine: readonly string[],
  invalid: (problem: string) => CutterError,
): readonly ContractDifference[] {
  if (contractLine.length === 0) return [];
  const contract = databaseContractSchema.safeParse(tryParseJson(toRaw(contractLine)));
  const catalogue = catalogueSchema.safeParse(tryParseJson(toRaw(catalogueLine)));
  if (!contract.success || !catalogue.success) throw invalid("the database's catalogue has another shape");
  return toContractDifferences(contract.data, catalogue.data);
}

function toFirst(fields: readonly string[]): string {
  return fields[0] ?? "";
}

/** A whole line of a file again. */
function toRaw(fields: readonly string[]): string {
  return fields.join("\t");
}

/** Lines of a file of one run: the run's id stands before each. */
function toLinesOf(rows: readonly (readonly string[])[], runId: string): readonly string[] {
  return rows.flatMap(([id, ...line]) => (id === runId ? [toRaw(line)] : []));
}

function toGroups(rows: readonly (readonly string[])[]): ReadonlyMap<string, readonly string[]> {
  const groups = new Map<string, string[]>();
  for (const [key = "", value = ""] of rows) groups.set(key, [...(groups.get(key) ?? []), value]);
  return groups;
}

function toArchivedDocuments(rows: readonly (readonly string[])[]): readonly ArchivedDocument[] {
  const byDigest = new Map<string, Map<string, string>>();
  for (const [sha256 = "", file = "", base64 = ""] of rows)
    byDigest.set(sha256, (byDigest.get(sha256) ?? new Map<string, string>()).set(file, base64));
  return [...byDigest].map(([sha256, files]) => ({ sha256, files }));
}
