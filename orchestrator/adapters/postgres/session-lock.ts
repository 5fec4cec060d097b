// PostgreSQL's session lock on a document: the authority across hosts. It lives as long as this one connection, and the session says whose
// it is.
import { CutterError } from "../../core/errors.ts";
import type { SessionLock } from "../../ports/recorders.ts";
import { openReadConnection, type ReadConnection, type TransactionLimits } from "./connection.ts";
import { type EvidenceLog, openEvidence } from "./evidence.ts";
import type { LoginSettings } from "./settings.ts";

const connectTimeoutMs = 10_000;
/** Only catalogue look-ups; a server that does not answer them in time cannot be relied on for the lock either. */
const asking: TransactionLimits = { lockTimeoutMs: 5_000, statementTimeoutMs: 10_000, idleTimeoutMs: 10_000, deadlineMs: 15_000 };

export interface SessionLockHolder {
  readonly documentId: string; // of the knowledge base
  readonly runId: string;
  readonly hostIdentity: string | null;
}

/** A session lock outlives the transaction that took it. @throws DOCUMENT_CLAIMED when another session holds it, DATABASE_* */
export async function lockDocument(
  settings: LoginSettings,
  { documentId, runId, hostIdentity }: SessionLockHolder,
  evidence: EvidenceLog = openEvidence().of("context_pack_readonly"),
): Promise<SessionLock> {
  const connection = await openReadConnection(
    settings,
    evidence,
    connectTimeoutMs,
    `cutter ${runId}@${(hostIdentity ?? "unknown").slice(0, 8)}`,
  );
  try {
    await takeSessionLock(connection, documentId);
  } catch (error) {
    await connection.close();
    throw error;
  }
  return {
    assertHeld: async () => {
      const rows = await connection
        .read(asking, (transaction) => transaction.query<HolderRow>("locks/document-holder.sql", [documentId]))
        .catch(() => []);
      if (rows[0]?.ours !== true) throw new CutterError("DOCUMENT_LOCK_LOST", { document_id: documentId, run_id: runId });
    },
    release: () => connection.close(), // the session's end is the lock's
  };
}

interface HolderRow extends Record<string, unknown> {
  readonly holder: string | null;
  readonly ours: boolean | null;
}

async function takeSessionLock(connection: ReadConnection, documentId: string): Promise<void> {
  const [answer] = await connection.read(asking, (transaction) =>
    transaction.query<{ held: boolean }>("locks/hold-document.sql", [documentId]),
  );
  if (answer?.held === true) return;
  const [found] = await connection.read(asking, (transaction) => transaction.query<HolderRow>("locks/document-holder.sql", [documentId]));
  throw new CutterError("DOCUMENT_CLAIMED", { document_id: documentId, holder: found?.holder ?? "unknown" });
}
