// What a phase is handed of everything the engine holds: no files, no journal, no way to store a document; and in a live run the write
// side, which asks for a permission.
import type { VerifiedEntry } from "../../core/journal/live.ts";
import type { RunStatus } from "../../core/journal/status.ts";
import type { DecidedApproval, LivePorts, ReadPorts, RunHistory } from "../../ports/run-ports.ts";
import type { Attempt } from "./attempt.ts";

export function toReadPorts(attempt: Attempt): ReadPorts {
  const { run, ports } = attempt;
  const { knowledgeBase } = ports;
  return {
    run: run.facts,
    history: toHistory(attempt),
    database: ports.database,
    recorders: ports.recorders,
    knowledgeBase: { kind: knowledgeBase.kind, read: (id) => knowledgeBase.read(id), list: (prefix) => knowledgeBase.list(prefix) },
    dumpSource: ports.dumpSource,
    encryptor: ports.encryptor,
    clock: ports.clock,
    readKillSwitch: ports.readKillSwitch,
  };
}

export function toLivePorts(attempt: Attempt): LivePorts {
  return { ...toReadPorts(attempt), writeDatabase: attempt.ports.writeDatabase, backups: attempt.ports.backups };
}

export function toHistory({ journal }: Pick<Attempt, "journal">): RunHistory {
  return toHistoryOf(journal.status());
}

/** Pure: what phases may know of a run that stands so. */
export function toHistoryOf({ before, done, connections, killedAttempts, decided }: RunStatus): RunHistory {
  if (before === null) throw new Error("no census before the first phase");
  const { SG_1, SG_2 } = decided;
  return {
    before,
    done,
    connections,
    killedAttempts,
    decided: {
      ...(SG_1 === undefined ? {} : { SG_1: toDecided("SG_1", SG_1) }),
      ...(SG_2 === undefined ? {} : { SG_2: toDecided("SG_2", SG_2) }),
    },
  };
}

function toDecided(gate: "SG_1" | "SG_2", entry: VerifiedEntry): DecidedApproval {
  return {
    gate,
    reviewDecisionId: entry.review_decision_id,
    payloadSha: entry.payload_sha,
    approvalKbId: entry.kb_id,
    approvalSha256: entry.document_sha256,
    signatures: entry.signatures.map(({ role, fingerprint, signature_sha256 }) => ({
      role,
      fingerprint,
      signatureSha256: signature_sha256,
    })),
  };
}
