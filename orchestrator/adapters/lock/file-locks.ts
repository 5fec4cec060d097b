// One lock file per document and one per run id: made whole by link(2), removed by its holder, taken over only when the holder is certainly
// gone.
import { createHash, randomBytes } from "node:crypto";
import { link, open, readFile, rename, unlink } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { CutterError } from "../../core/errors.ts";
import { refuseDisk } from "../../core/host/disk-error.ts";
import type { Clock } from "../../ports/clock.ts";
import type { FileLocks, FileLock, LockHolder } from "../../ports/lock.ts";
import { toErrorCode } from "../node-files/node-files.ts";
import { isAlive, readProcessStart } from "./process-facts.ts";

const holderSchema = z.strictObject({
  schema: z.literal("cutter.lock/1"),
  runId: z.string(),
  documentId: z.string(),
  pid: z.int().positive(),
  processStart: z.string(),
  bootId: z.string(),
  since: z.string(),
});

const maximumTries = 3;

export function fileLocks(options: {
  readonly folder: string;
  readonly clock: Clock;
  readonly pid: number;
  readonly bootId: string;
}): FileLocks {
  const acquire = async (
    path: string,
    runId: string,
    documentId: string,
    toLocked: (holder: LockHolder | null) => CutterError,
  ): Promise<FileLock> => {
    const holder: LockHolder = {
      runId,
      documentId,
      pid: options.pid,
      processStart: await readProcessStart(options.pid),
      bootId: options.bootId,
      since: options.clock.now().toISOString(),
    };
    let replaced: LockHolder | null = null;
    for (let tries = 1; tries <= maximumTries; tries += 1) {
      if (await createWhole(path, holder).catch(refuseDisk(path))) return toFileLock(path, replaced);
      const found = await readHolder(path);
      if (found === null) continue; // released between our two looks
      if (!(await isCertainlyGone(found, options.bootId))) throw toLocked(found);
      replaced = found;
      await removeStale(path, found).catch(refuseDisk(path));
    }
    throw toLocked(null);
  };
  return {
    acquireRun: (runId, documentId) =>
      acquire(join(options.folder, toFileName("run", runId.toLowerCase())), runId, documentId, (holder) => toRunLocked(runId, holder)),
    acquire: (runId, documentId) =>
      acquire(join(options.folder, toFileName("document", documentId)), runId, documentId, (holder) =>
        toDocumentLocked(documentId, holder),
      ),
  };
}

/** The kind is part of the name: a run id and a document id of the same letters are two locks. */
function toFileName(kind: "run" | "document", name: string): string {
  return `${kind}-${createHash("sha256").update(name).digest("hex").slice(0, 32)}.lock`;
}

/** The file appears with its whole content or not at all; false when there is one already. */
async function createWhole(path: string, holder: LockHolder): Promise<boolean> {
  const temporary = `${path}.${randomBytes(6).toString("hex")}`;
  const handle = await open(temporary, "wx", 0o600);
  try {
    await handle.writeFile(`${JSON.stringify({ schema: "cutter.lock/1", ...holder })}\n`);
    await handle.sync();
    await link(temporary, path);
    return true;
  } catch (error) {
    if (toErrorCode(error) === "EEXIST") return false;
    throw error;
  } finally {
    await handle.close();
    await unlink(temporary);
  }
}

/** @throws LOCK_DAMAGED */
async function readHolder(path: string): Promise<LockHolder | null> {
  try {
    const { schema: _schema, ...holder } = holderSchema.parse(JSON.parse(await readFile(path, "utf8")));
    return holder;
  } catch (cause) {
    if (toErrorCode(cause) === "ENOENT") return null;
    throw new CutterError("LOCK_DAMAGED", { path }, { cause });
  }
}

/** Another boot, no such process, or the pid belongs to a younger process. Anything unknown counts as alive. */
async function isCertainlyGone(holder: LockHolder, bootId: string): Promise<boolean> {
  if (holder.bootId !== "unknown" && bootId !== "unknown" && holder.bootId !== bootId) return true;
  if (!isAlive(holder.pid)) return true;
  const start = await readProcessStart(holder.pid);
  return start !== "unknown" && holder.processStart !== "unknown" && start !== holder.processStart;
}

/** Moved aside first: of two that find the same stale lock, one moves it and the other sees it gone. */
async function removeStale(path: string, stale: LockHolder): Promise<void> {
  const aside = `${path}.${randomBytes(6).toString("hex")}`;
  try {
    await rename(path, aside);
  } catch (error) {
    if (toErrorCode(error) === "ENOENT") return;
    throw error;
  }
  const moved = await readHolder(aside);
  if (moved !== null && JSON.stringify(moved) !== JSON.stringify(stale)) {
    // Somebody took over between our look and our move: give it back and let the next look refuse.
    await link(aside, path).catch(() => undefined);
  }
  await unlink(aside);
}

function toFileLock(path: string, replaced: LockHolder | null): FileLock {
  return { path, replaced, release: () => unlink(path) };
}

/** Null: it changed hands at each of our looks. */
function toDocumentLocked(documentId: string, holder: LockHolder | null): CutterError {
  if (holder === null) return new CutterError("DOCUMENT_LOCKED", { document_id: documentId, holder: "changing" });
  return new CutterError("DOCUMENT_LOCKED", { document_id: holder.documentId, holder: holder.runId, pid: holder.pid, since: holder.since });
}

function toRunLocked(runId: string, holder: LockHolder | null): CutterError {
  if (holder === null) return new CutterError("RUN_LOCKED", { run_id: runId, holder: "changing" });
  return new CutterError("RUN_LOCKED", {
    run_id: runId,
    holder: holder.runId,
    document_id: holder.documentId,
    pid: holder.pid,
    since: holder.since,
  });
}
