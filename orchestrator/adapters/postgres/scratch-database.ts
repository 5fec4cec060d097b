// The scratch database of the restore proof, on the same server, read by the login that can only read.
import type { ScratchDatabase } from "../../ports/backup.ts";
import { openReadConnection, type TransactionLimits } from "./connection.ts";
import { openEvidence } from "./evidence.ts";
import { readDigest } from "./read-document-digest.ts";
import type { LoginSettings } from "./settings.ts";

const connectTimeoutMs = 10_000;
/** Waiting for another run's proof; its dump may be large. */
const waiting: TransactionLimits = { lockTimeoutMs: 600_000, statementTimeoutMs: 600_000, idleTimeoutMs: 60_000, deadlineMs: 660_000 };
const streaming: TransactionLimits = { lockTimeoutMs: 5_000, statementTimeoutMs: 600_000, idleTimeoutMs: 60_000, deadlineMs: 1_800_000 };

/** Connects when it is held, and only then. `reader`: the settings of context_pack_readonly in production. @throws DATABASE_* */
export function openScratchDatabase(name: string, reader: LoginSettings): ScratchDatabase {
  return {
    name,
    async withLock(work) {
      const evidence = openEvidence().of("context_pack_readonly");
      const connection = await openReadConnection({ ...reader, database: name }, evidence, connectTimeoutMs);
      try {
        await connection.read(waiting, (transaction) => transaction.query("phases/pre_write_backup/hold-scratch.sql", []));
        return await work(
          async (documentId, plannedAddresses) =>
            (await connection.read(streaming, (transaction) => readDigest(transaction, documentId, plannedAddresses))).sha256,
        );
      } finally {
        await connection.close();
      }
    },
  };
}
