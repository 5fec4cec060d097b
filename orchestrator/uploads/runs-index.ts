// The index of all runs in the knowledge base: one line a run, newest first. Lines of other runs stay byte for byte, whoever writes at the
// same time.
import { sha256Hex } from "../core/encoding/digest.ts";
import { CutterError, type Facts } from "../core/errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { KbDocument, KbReceipt, KnowledgeBase } from "../ports/knowledge-base.ts";
import type { Reporter } from "../ports/reporter.ts";
import { toWaiting } from "./waiting.ts";

export interface IndexEntry {
  readonly runId: string;
  readonly documentId: string;
  readonly mode: "dryrun" | "live";
  readonly result: string;
  readonly certificate: string;
  readonly payloadSha: string | null;
  readonly finishedAt: string; // ISO 8601 UTC
  readonly folderId: string; // KB folder of the phase documents
}

export interface IndexEntryUpload {
  readonly id: string; // of the index in the knowledge base
  readonly entry: IndexEntry;
  readonly knowledgeBase: Pick<KnowledgeBase, "read" | "writeAt">;
  /** Keeps other runs of this host away for one try. @throws DOCUMENT_LOCKED */
  readonly lock: () => Promise<{ release(): Promise<void> }>;
  readonly clock: Clock;
  readonly reporter: Reporter;
  readonly waitAtMostMs: number; // from the first try on; 0: no waiting
  readonly signal: AbortSignal;
}

const heading = [
  "# Runs of the cutter",
  "",
  "| run | mode | document | result | certificate | payload_sha | finished | phase documents |",
  "|---|---|---|---|---|---|---|---|",
];
const headingRow = heading[2] ?? "";
const firstPauseMs = 1_000;
const longestPauseMs = 30_000;
const secondLookMs = 250; // at least, and as long as our own write took
/** What passes by itself: an outage, another run at the index, another writer's revision that came in between. */
const waitable: readonly string[] = ["KB_UNAVAILABLE", "DOCUMENT_LOCKED", "KB_INDEX_CONTENDED"];

/** A run may be called `run`: only the whole heading is one. */
function toRunRows(body: string): readonly string[] {
  return body.split("\n").filter((row) => row.startsWith("| ") && row.trimEnd() !== headingRow);
}

/** Another document that stands at the index's id is nobody's to replace. @throws KB_INDEX_FOREIGN */
function requireIndex({ id, revision, body }: KbDocument): void {
  const isOurs = body.trim() === "" || body.split("\n").some((row) => [heading[0], headingRow].includes(row.trimEnd()));
  if (!isOurs) throw new CutterError("KB_INDEX_FOREIGN", { id, revision, sha256: sha256Hex(body) });
}

/** The index with this run's line in it, once. `current` is the body as stored, null when there is no index yet. Pure. */
export function toIndexBody(current: string | null, entry: IndexEntry): string {
  const others = toRunRows(current ?? "").filter((row) => !row.startsWith(`| ${entry.runId} |`));
  return [...heading, toRow(entry), ...others, ""].join("\n");
}

/**
 * Puts the line into the index and proves that it stands there. Each try reads afresh and writes only over what it read; the lock is held
 * for a try, never for a pause. A line that was written and is gone is written again. May be repeated: a line that stands already gives its
 * receipt without a new revision.
 * @throws KB_UNAVAILABLE, DOCUMENT_LOCKED, KB_INDEX_CONTENDED (with waited_ms and what was seen) once `waitAtMostMs` is over,
 * RUN_INTERRUPTED, KB_READ_BACK_DIFFERS, KB_INDEX_FOREIGN
 */
export async function putIndexEntry(upload: IndexEntryUpload): Promise<KbReceipt> {
  const { clock, signal } = upload;
  const startedMs = clock.monotonicMs();
  let failingSinceMs: number | null = null;
  const seen: Seen = { tries: 0, written: 0, current: null };
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
    try {
      seen.tries += 1;
      return await putOnce(upload, seen);
    } catch (error) {
      if (signal.aborted) throw toInterrupted(error);
      if (!(error instanceof CutterError && waitable.includes(error.code))) throw error;
      const nowMs = clock.monotonicMs();
      const remainingMs = startedMs + upload.waitAtMostMs - nowMs;
      if (remainingMs <= 0)
        throw new CutterError(
          error.code,
          { ...error.facts, id: upload.id, waited_ms: nowMs - startedMs, ...toSeenFacts(seen) },
          { cause: error },
        );
      failingSinceMs ??= nowMs;
      upload.reporter.report({
        kind: "gate_waiting",
        phase: "runs_index",
        waitsOn: error.code === "DOCUMENT_LOCKED" ? "another run at the runs index" : "knowledge_base",
        ...toWaiting(clock, failingSinceMs, remainingMs, error),
      });
      await clock.wait(Math.min(pauseMs, remainingMs), signal).catch((cause: unknown) => {
        throw toInterrupted(cause);
      });
    }
  }
}

/** What the tries met so far. */
interface Seen {
  tries: number;
  written: number; // how often our line was sent and taken
  current: KbDocument | null; // the index as it was read last
}

/** For who looks into it: how often the line was written and gone again, and whose lines stand there. */
function toSeenFacts({ tries, written, current }: Seen): Facts {
  const runs = toRunRows(current?.body ?? "");
  return {
    tries,
    written,
    found_revision: current?.revision ?? 0,
    found_lines: runs.length,
    found_first: runs.slice(0, runsShownMax).map((row) => row.split(" ")[1]?.slice(0, runIdShownMax) ?? ""),
  };
}

const runsShownMax = 3;
const runIdShownMax = 80;

async function putOnce({ id, entry, knowledgeBase, lock, clock, signal }: IndexEntryUpload, seen: Seen): Promise<KbReceipt> {
  const held = await lock();
  const read = async () => (seen.current = await knowledgeBase.read(id));
  try {
    const current = await read();
    if (current !== null && hasEntry(current, entry)) return toReceipt(current);
    if (current !== null) requireIndex(current);
    const body = toIndexBody(current?.body ?? null, entry);
    const sentMs = clock.monotonicMs();
    const written = await knowledgeBase.writeAt({ id, title: "Runs of the cutter", body, tags: ["cutter-run"] }, current?.revision ?? 0);
    if (written === null) throw new CutterError("KB_INDEX_CONTENDED", { id, revision: current?.revision ?? 0 });
    seen.written += 1;
    const tookMs = clock.monotonicMs() - sentMs;
    const stored = await read();
    if (stored !== null && stored.revision === written.revision && stored.body !== body)
      throw new CutterError("KB_READ_BACK_DIFFERS", {
        reason: "body",
        id,
        expected_sha256: sha256Hex(body),
        found_sha256: sha256Hex(stored.body),
      });
    if (stored === null || !hasEntry(stored, entry)) throw new CutterError("KB_INDEX_CONTENDED", { id, revision: written.revision });
    if (stored.revision < written.revision)
      throw new CutterError("KB_READ_BACK_DIFFERS", { reason: "revision", id, written: written.revision, found: stored.revision });
    // Two processes of one server do not see each other's writes: a writer that read before us may still write after us.
    await clock.wait(Math.min(secondLookMs + tookMs, longestPauseMs), signal); // theirs may take as long as ours took
    const later = await read();
    if (later === null || !hasEntry(later, entry)) throw new CutterError("KB_INDEX_CONTENDED", { id, revision: written.revision });
    return toReceipt(later);
  } finally {
    await held.release();
  }
}

function hasEntry({ body }: KbDocument, entry: IndexEntry): boolean {
  return body.split("\n").includes(toRow(entry));
}

function toReceipt({ id, revision, body }: KbDocument): KbReceipt {
  return { id, revision, sha256: sha256Hex(body) };
}

function toInterrupted(cause: unknown): CutterError {
  return new CutterError("RUN_INTERRUPTED", { phase: "runs_index", checkpoint: "internal_gate" }, { cause });
}

function toRow(entry: IndexEntry): string {
  const cells = [
    entry.runId,
    entry.mode,
    entry.documentId,
    entry.result,
    entry.certificate,
    entry.payloadSha ?? "none",
    entry.finishedAt,
    `${entry.folderId}/`,
  ];
  return `| ${cells.join(" | ")} |`;
}
