// A live run of the real engine that the real revert took back: the files that both leave, on fakes.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { openDirectoryKb } from "./worlds/directory-kb.ts";
import { openJournalFile } from "../../orchestrator/adapters/journal/journal-file.ts";
import { nodeFiles } from "../../orchestrator/adapters/node-files/node-files.ts";
import { sha256Hex } from "../../orchestrator/core/encoding/digest.ts";
import { CutterError } from "../../orchestrator/core/errors.ts";
import { readChain } from "../../orchestrator/core/journal/chain.ts";
import { recordsOf } from "../../orchestrator/core/journal/record.ts";
import { stagedFiles } from "../../orchestrator/core/revert/staging.ts";
import { parseRunId } from "../../orchestrator/core/run-id.ts";
import type { RevertOutcome } from "../../orchestrator/engine/revert/outcome.ts";
import type { RevertPorts } from "../../orchestrator/engine/revert/ports.ts";
import { revertRun } from "../../orchestrator/engine/revert/revert.ts";
import type { RevertInputs } from "../../orchestrator/engine/revert/verify.ts";
import { toStoredEffects } from "../../orchestrator/phases/unit-effects.ts";
import { liveRunId, type EvidencedWorld } from "./live-run-files.ts";
import { documentId } from "./worlds/world.ts";

export const revertDecisionId = "55555555-0000-4000-8000-000000000005";
const zeros = "0".repeat(64);

export interface RevertTrial {
  readonly ports?: Partial<RevertPorts>;
  readonly signedBy?: "sovereign" | "stranger";
  readonly change?: Readonly<Record<string, unknown>>; // of the approval's fields
}

/** Signs a REVERT and reverts the run of this world; the rows are the world's own. */
export async function revertLiveRun(
  world: EvidencedWorld,
  { ports = {}, signedBy = "sovereign", change = {} }: RevertTrial = {},
): Promise<RevertOutcome> {
  const { live, folder } = world;
  const clock = live.world.clock;
  const now = clock.now();
  const fields = {
    schema: "cutter.approval/1",
    gate: "REVERT",
    decision: "approve",
    run_id: liveRunId,
    document_id: documentId,
    phase: "cut_leg_a",
    payload_sha: live.payloadSha,
    review_decision_id: revertDecisionId,
    issued_at: `${now.toISOString().slice(0, 19)}Z`,
    host: zeros,
    release_sha256: zeros,
    ...change,
  };
  const approval = Buffer.from(`# REVERT\n\n\`\`\`cutter-approval\n${JSON.stringify(fields, null, 2)}\n\`\`\`\n`);
  const signature = Buffer.from(await live[signedBy].sign(approval.toString("utf8"), new Date(fields.issued_at)));
  const runbook = "-- the way back\nselect 1;\n";
  const staging = join(live.folder, "staging");
  await mkdir(join(staging, liveRunId), { recursive: true });
  await writeFile(join(staging, liveRunId, stagedFiles.approval), approval);
  const inputs: RevertInputs = {
    runId: parseRunId(liveRunId, { allowDryRunSuffix: false }),
    config: live.world.config,
    host: zeros,
    releaseSha256: zeros,
    approval,
    signature,
    runbook,
    paths: { armed: join(live.folder, "armed"), live: join(live.folder, "live"), staging },
    keys: { sovereign: live[signedBy].file, architect: null },
    staged: {
      schema: "cutter.revert-staged/1",
      run_id: liveRunId,
      approval_sha256: sha256Hex(approval),
      signature_sha256: sha256Hex(signature),
      review_decision_id: revertDecisionId,
      host: zeros,
      release_sha256: zeros,
      runbook_sha256: sha256Hex(runbook),
      sovereign: { fingerprint: live[signedBy].file.pin.fingerprint, file_sha256: sha256Hex(live[signedBy].file.bytes) },
      spent_before: false,
      staged_at: now.toISOString(),
    },
    signal: new AbortController().signal,
  };
  const kb = openDirectoryKb({ root: `${live.folder}/kb`, files: nodeFiles });
  try {
    return await revertRun(inputs, { ...toPorts(world, folder, kb), ...ports });
  } finally {
    await kb.close();
  }
}

function toPorts(world: EvidencedWorld, folder: string, knowledgeBase: RevertPorts["knowledgeBase"]): RevertPorts {
  const { live } = world;
  const { database, locks } = live.world.ports;
  return {
    database,
    locks,
    knowledgeBase,
    clock: live.world.clock,
    files: nodeFiles,
    recorders: { lockDocument: (document, runId) => live.cut.recorders.lockDocument(document, runId) },
    dumpSource: live.world.ports.dumpSource,
    process: { pid: 1, bootId: "b".repeat(32) },
    openJournal: openJournalFile,
    say: () => undefined,
    backups: { make: (_permission, { dump, destination }) => keepDump(dump, destination) },
    reverts: toReverts(world, folder),
  };
}

type Made = ReturnType<RevertPorts["backups"]["make"]>;
type Dump = Parameters<RevertPorts["backups"]["make"]>[1]["dump"];

/** The dump's own bytes in the place of a ciphertext. */
async function keepDump(dump: Dump, destination: string): Promise<Awaited<Made>> {
  const chunks: Buffer[] = [];
  for await (const chunk of dump.stream) chunks.push(Buffer.from(chunk as Uint8Array));
  if ((await dump.exit).code !== 0) throw new CutterError("BACKUP_UNPROVEN", { pg_dump_exit: 1 });
  const bytes = Buffer.concat(chunks);
  await writeFile(destination, bytes, { mode: 0o600 });
  const digest = sha256Hex(bytes);
  return {
    file: destination,
    ciphertextSha256: digest,
    ciphertextBytes: bytes.length,
    plaintextSha256: digest,
    recipientKeyIds: [],
    archiveEntries: 1,
    restored: null,
  };
}

function toReverts({ live }: EvidencedWorld, folder: string): RevertPorts["reverts"] {
  const units = () => live.cut.rows.units.filter(({ runId }) => runId === liveRunId);
  const retired = () => units().filter(({ lifecycleState }) => lifecycleState === "retired").length;
  return {
    readState: () =>
      Promise.resolve({
        decisions: live.cut.rows.decisions.length,
        documentId,
        payloadSha: live.payloadSha,
        unitsOfRun: units().length,
        stillStanding: units().length - retired(),
        revertsLogged: retired(),
        revertDecisions: [],
        decisionUsed: false,
      }),
    readUnits: async (runId) => toStoredEffects(await live.cut.recorders.readUnits(documentId, runId)),
    // the tables as before the run, with the run's own units beside
    readRest: async () => {
      const file = join(folder, "journal.jsonl");
      const { records } = readChain((await nodeFiles.read(file)) ?? new Uint8Array(), file);
      return (recordsOf(records, "census_before")[0]?.entry.tables ?? []).map(({ table, rowCount, sha256 }) => ({
        table,
        rowsOfRun: table === "public.information_unit" ? units().length : 0,
        restRows: rowCount,
        restSha256: sha256,
      }));
    },
    apply: async (permission) => {
      await permission.beforeCommit("950");
      live.cut.retire(liveRunId);
      return { unitsOfRun: units().length, stillStanding: 0, revertsLogged: units().length };
    },
    close: () => Promise.resolve(),
  };
}
