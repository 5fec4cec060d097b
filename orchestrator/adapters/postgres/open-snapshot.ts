// A snapshot held open for pg_dump: the digest and the dump see the same rows.
import type { DatabaseSnapshot } from "../../ports/database.ts";
import type { ReadConnection, TransactionLimits } from "./connection.ts";
import { readDigest } from "./read-document-digest.ts";

/** Idle while pg_dump runs, so the idle limit is the dump's. */
const holding: TransactionLimits = { lockTimeoutMs: 5_000, statementTimeoutMs: 600_000, idleTimeoutMs: 1_800_000, deadlineMs: 3_600_000 };

/** Takes over `connection` and closes it with the snapshot. */
export async function openSnapshot(
  connection: ReadConnection,
  documentId: string,
  plannedAddresses: readonly string[],
): Promise<DatabaseSnapshot> {
  const released = Promise.withResolvers<void>();
  const ready = Promise.withResolvers<Omit<DatabaseSnapshot, "close">>();
  const held = connection.read(
    holding,
    async (transaction) => {
      const digest = await readDigest(transaction, documentId, plannedAddresses);
      ready.resolve({ id: transaction.snapshotId ?? "", digest });
      await released.promise;
    },
    { exportSnapshot: true },
  );
  held.catch(ready.reject);
  try {
    const snapshot = await ready.promise;
    return {
      ...snapshot,
      close: async () => {
        released.resolve();
        try {
          await held;
        } finally {
          await connection.close();
        }
      },
    };
  } catch (error) {
    await connection.close();
    throw error;
  }
}
