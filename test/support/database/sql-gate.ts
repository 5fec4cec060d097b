// The owner's SQL gate as the production facts describe it, for tests: one file whose sha256 stands in a manifest, its words judged, one
// transaction around it.
import { createHash } from "node:crypto";
import type { Client } from "pg";

/**
 * Applies `file` if `manifest` names its sha256 and its raw text holds none of the forbidden words.
 * @throws what refused it; then nothing stays.
 */
export async function applyThroughSqlGate(
  client: Client,
  file: string,
  manifest: ReadonlySet<string>,
): Promise<readonly { readonly rows: readonly Record<string, unknown>[] }[]> {
  if (!manifest.has(createHash("sha256").update(file).digest("hex"))) throw new Error("gate: not in the manifest");
  const forbidden = /\bDROP\b|\bDELETE\s+FROM\b|\bTRUNCATE\b|\bBEGIN\b|\bCOMMIT\b|^\s*\\/im.exec(file);
  if (forbidden !== null) throw new Error(`gate: forbidden ${forbidden[0]}`);
  await client.query("begin");
  try {
    const results = (await client.query(file)) as unknown as readonly { readonly rows: readonly Record<string, unknown>[] }[];
    await client.query("commit");
    return results;
  } catch (error) {
    await client.query("rollback");
    throw error;
  }
}
