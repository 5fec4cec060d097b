// Phase 1: pins what the run is about, so that nothing can change under it: document, registry rows, server, release, contract.
import { z } from "zod";
import { firingSchema } from "../core/database/contract.ts";
import { sha256Hex } from "../core/encoding/digest.ts";
import { CutterError } from "../core/errors.ts";
import { refuseIf, toVerdict, type Refusal } from "../core/run/verdict.ts";
import type { DumpSource } from "../ports/backup.ts";
import type { HiddenTable } from "../ports/database.ts";
import { readPhase } from "./define.ts";
import { toFiringSections } from "./firing.ts";
import { sha256 } from "./schemas.ts";

const oldestMajor = 15;
const newestMajor = 18;

const finding = z.strictObject({ object: z.string(), expected: z.string(), found: z.string() });

const output = z.strictObject({
  documentId: z.string(),
  revision: z.int(),
  bytes: z.int(),
  sha256,
  body: z.string(), // verbatim; the phases after compute from it, so a resumed run cuts the same bytes
  registry: z.strictObject({
    docCode: z.string(),
    sourceDocumentId: z.string(),
    sourceVersionId: z.string(),
    registeredSha256: z.string(),
    registeredRevision: z.int(),
  }),
  server: z.strictObject({
    version: z.string(),
    versionNum: z.int(),
    systemIdentifier: z.string(),
    database: z.string(),
    clock: z.string(),
  }),
  pgDumpVersion: z.string().nullable(), // null in a dry run whose helper did not answer
  release: z.strictObject({ version: z.string(), sha256: sha256.nullable() }),
  contractFindings: z.array(finding),
  firing: z.array(firingSchema).default([]), // outputs of earlier releases have none
});

export const sourcePin = readPhase({
  name: "source_pin",
  needs: {},
  output,
  observe: async ({ run, knowledgeBase, database, dumpSource }) => {
    const document = await knowledgeBase.read(run.documentId);
    if (document === null) throw new CutterError("DOCUMENT_MISSING", { document_id: run.documentId });
    // JSON can carry half a surrogate pair; UTF-8 cannot, and would cut other bytes than were shown.
    if (!document.body.isWellFormed()) throw new CutterError("SOURCE_UNFIT", { reason: "not_utf8", document_id: run.documentId });
    const hidden = await database.readHiddenTables();
    requireSeenByReader(hidden);
    const registry = await database.readRegistryRows(run.documentId);
    if (registry === null) throw new CutterError("DOCUMENT_NOT_REGISTERED", { document_id: run.documentId });
    const server = await database.readServerFacts();
    const contractFindings = await database.readContractFindings();
    const firing = await database.readFiring();
    return { run, document, registry, server, contractFindings, firing, hidden, pgDump: await readPgDump(dumpSource) };
  },
  precondition: ({ run, document, registry, server, contractFindings, hidden, pgDump }) => {
    const major = Math.floor(server.serverVersionNum / 10_000);
    const [finding] = contractFindings;
    return toVerdict(
      refuseIf(run.releaseSha256 === null, "RELEASE_UNKNOWN"),
      refuseIf(server.inRecovery, "SERVER_IS_STANDBY", { system_identifier: server.systemIdentifier }),
      refuseIf(!server.fsync || !server.fullPageWrites, "SERVER_NOT_DURABLE", {
        fsync: server.fsync,
        full_page_writes: server.fullPageWrites,
      }),
      refuseIf(major < oldestMajor || major > newestMajor, "SERVER_UNSUPPORTED", { server_version: server.serverVersion }),
      pgDump.state === "away"
        ? [pgDump.refusal]
        : refuseIf(!isAtLeast(pgDump.version, major), "PG_DUMP_TOO_OLD", { pg_dump: pgDump.version, server_version: server.serverVersion }),
      refuseIf(registry.registeredSha256 !== document.sha256, "SOURCE_REGISTRY_DIFFERS", {
        registered_sha256: registry.registeredSha256,
        found_sha256: document.sha256,
      }),
      ...hidden.map((table) => refuseIf(true, "DATABASE_ROWS_HIDDEN", { ...table })),
      refuseIf(finding !== undefined, "CONTRACT_MISMATCH", { findings: contractFindings.length, first: finding?.object ?? "" }),
    );
  },
  conclude: ({ run, document, registry, server, contractFindings, firing, pgDump }) => ({
    documentId: run.documentId,
    revision: document.revision,
    bytes: Buffer.byteLength(document.body, "utf8"),
    sha256: sha256Hex(document.body),
    body: document.body,
    registry: {
      docCode: registry.docCode,
      sourceDocumentId: registry.sourceDocumentId,
      sourceVersionId: registry.sourceVersionId,
      registeredSha256: registry.registeredSha256,
      registeredRevision: registry.registeredRevision,
    },
    server: {
      version: server.serverVersion,
      versionNum: server.serverVersionNum,
      systemIdentifier: server.systemIdentifier,
      database: server.database,
      clock: server.now,
    },
    pgDumpVersion: pgDump.state === "known" ? pgDump.version : null,
    release: { version: run.releaseVersion, sha256: run.releaseSha256 },
    contractFindings: contractFindings.map((found) => ({ ...found })),
    firing: firing.map((each) => ({ ...each })),
  }),
  files: ({ body }) => [{ name: "source.md", content: body }],
  text: (pin) => ({
    summary: `${pin.documentId} pinned: revision ${String(pin.revision)}, ${String(pin.bytes)} bytes`,
    facts: [
      ["revision", pin.revision],
      ["bytes", pin.bytes],
      ["sha256", pin.sha256],
      ["document code", pin.registry.docCode],
      ["source document", pin.registry.sourceDocumentId],
      ["source version", pin.registry.sourceVersionId],
      ["registered sha256", pin.registry.registeredSha256],
      ["server version", pin.server.version],
      ["system identifier", pin.server.systemIdentifier],
      ["database", pin.server.database],
      ["server clock", pin.server.clock],
      ["pg_dump version", pin.pgDumpVersion],
      ["release", pin.release.version],
      ["release sha256", pin.release.sha256],
      ["contract findings", pin.contractFindings.length],
      ["what fires beside a write", pin.firing.length],
    ],
    sections: [
      ...(pin.contractFindings.length === 0
        ? []
        : [
            {
              title: "Contract findings",
              body: pin.contractFindings.map((found) => `- ${found.object}: expected ${found.expected}, found ${found.found}`).join("\n"),
            },
          ]),
      ...toFiringSections(pin.firing),
    ],
  }),
});

/** A dry run cannot go on either: the digest of the document's rows would be refused. @throws DATABASE_ROWS_HIDDEN */
function requireSeenByReader(hidden: readonly HiddenTable[]): void {
  const ofReader = hidden.filter(({ login, why }) => login === "context_pack_readonly" && why === "row security");
  const [first] = ofReader;
  if (first !== undefined) throw new CutterError("DATABASE_ROWS_HIDDEN", { ...first, tables: ofReader.map(({ table }) => table) });
}

type PgDump = { readonly state: "known"; readonly version: string } | { readonly state: "away"; readonly refusal: Refusal };

/** Only the backup needs it: a dry run records that it is away and goes on. */
async function readPgDump(source: DumpSource): Promise<PgDump> {
  try {
    return { state: "known", version: await source.readVersion() };
  } catch (error) {
    if (error instanceof CutterError) return { state: "away", refusal: { code: error.code, facts: error.facts } };
    throw error;
  }
}

/** False for a version nobody can read, too. */
function isAtLeast(version: string, major: number): boolean {
  return Number.parseInt(version, 10) >= major;
}
