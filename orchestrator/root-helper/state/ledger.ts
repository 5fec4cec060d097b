// The ledger in /var/lib/cutter-ledger: what was spent, and the audit log. Append-only, chained, durable before anything comes of it;
// root's alone.
import { spawnSync } from "node:child_process";
import { closeSync, constants, fstatSync, fsyncSync, ftruncateSync, openSync, readSync, writeSync } from "node:fs";
import { CutterError, type Facts } from "../../core/errors.ts";
import { toDiskError } from "../../core/host/disk-error.ts";
import { hostLayout } from "../../core/host/layout.ts";
import { readLines, toLine, toLineHash, type ReadChain } from "../../core/journal/chain.ts";
import {
  auditSchema,
  countSpent,
  spentSchema,
  type AuditRecord,
  type Spending,
  type SpentRecord,
} from "../../core/arming/ledger-record.ts";
import { toHostPath, type Host } from "../files/host.ts";

const ledgerFiles = { spent: `${hostLayout.ledger}/spent.jsonl`, audit: `${hostLayout.ledger}/audit.jsonl` } as const;

const bytesMax = 64 * 1024 * 1024;
const lockWaitSeconds = 10;

/** What spending left: the lines are on disk. `n[i]` is which use of spendings[i] this was. */
export interface Spent {
  readonly n: readonly number[];
  readonly seq: number; // of the last line
  readonly head: string; // of the chain, for the audit log: a ledger that was cut short is seen there
}

/**
 * Spends one use of each, or of none: all are judged before one is written, in one write, fsynced. A crash in between leaves a spent start
 * without a token, never a token without a spent start. @throws RULING_SPENT, APPROVAL_SPENT, LEDGER_TORN, LEDGER_DAMAGED, LEDGER_BUSY,
 * HOST_FILE_*
 */
export function spend(host: Host, spendings: readonly Spending[], now: Date): Spent {
  return withChain(host, ledgerFiles.spent, parseSpent, ({ records, append }) => {
    const n = spendings.map((wanted) => {
      const before = countSpent(records, wanted);
      if (before >= wanted.of)
        throw new CutterError(spentCodes[wanted.gate], {
          gate: wanted.gate,
          run_id: wanted.run_id,
          review_decision_id: wanted.review_decision_id,
          used: before,
          of: wanted.of,
        });
      return before + 1;
    });
    const { seq, head } = append(
      spendings.map((wanted, index) => ({ kind: "spent", ...wanted, n: n[index] ?? 1 })),
      now,
    );
    return { n, seq, head };
  });
}

const spentCodes = { RULING: "RULING_SPENT", SG_3: "APPROVAL_SPENT", REVERT: "APPROVAL_SPENT" } as const satisfies Record<
  Spending["gate"],
  string
>;

/** How often it was used already, without using it. @throws as `spend` */
export function readUses(host: Host, wanted: Pick<Spending, "document_sha256" | "review_decision_id">): number {
  return withChain(host, ledgerFiles.spent, parseSpent, ({ records }) => countSpent(records, wanted));
}

/** One line of the audit log, durable when it returns. Facts only: never a secret. @throws LEDGER_*, HOST_FILE_* */
export function recordAudit(host: Host, action: string, facts: Facts, now: Date): void {
  withChain(host, ledgerFiles.audit, parseAudit, ({ append }) => append([{ action, ...facts }], now));
}

/**
 * The audit log names the ledger's length at each enabling: one that is shorter now was cut. Call it before spending.
 * @throws LEDGER_DAMAGED, LEDGER_TORN
 */
export function requireWholeLedger(host: Host): void {
  const spent = withChain(host, ledgerFiles.spent, parseSpent, ({ records }) => records.length);
  const named = withChain(host, ledgerFiles.audit, parseAudit, ({ records }) =>
    records.flatMap((record) => (typeof record["spent_seq"] === "number" ? [record["spent_seq"]] : [])),
  );
  const last = Math.max(-1, ...named);
  if (last >= spent)
    throw new CutterError("LEDGER_DAMAGED", {
      file: ledgerFiles.spent,
      problem: "lines that the audit log names are missing",
      lines: spent,
      named: last + 1,
    });
}

interface Chain<Entry> {
  readonly records: readonly Entry[];
  append(entries: readonly object[], now: Date): { readonly seq: number; readonly head: string };
}

function parseSpent(value: unknown): SpentRecord | null {
  const parsed = spentSchema.safeParse(value);
  return parsed.success ? parsed.data : null;
}

function parseAudit(value: unknown): AuditRecord | null {
  const parsed = auditSchema.safeParse(value);
  return parsed.success ? parsed.data : null;
}

/** Opens the file (made 0600 if it is not there), holds the kernel's lock on it, reads the chain whole, and lets `work` append. */
function withChain<Entry extends { readonly seq: number; readonly prev: string }, Result>(
  host: Host,
  path: string,
  parse: (value: unknown) => Entry | null,
  work: (chain: Chain<Entry>) => Result,
): Result {
  const descriptor = openLedger(host, path);
  try {
    lockLedger(descriptor, path);
    const bytes = readAll(descriptor, path);
    const read = readOwnLines(bytes, path, parse);
    return work({ records: read.records, append: (entries, now) => append(descriptor, path, read, entries, now) });
  } finally {
    closeSync(descriptor);
  }
}

function openLedger(host: Host, path: string): number {
  const unsafe = (problem: string, cause?: unknown): CutterError => new CutterError("HOST_FILE_UNSAFE", { file: path, problem }, { cause });
  let descriptor: number;
  try {
    descriptor = openSync(
      toHostPath(host, path),
      constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK,
      0o600,
    );
  } catch (cause) {
    const disk = toDiskError(cause, path);
    if (disk instanceof CutterError) throw disk;
    throw unsafe(cause instanceof Error && "code" in cause ? String(cause.code) : "cannot be opened", cause);
  }
  const facts = fstatSync(descriptor);
  const problem = !facts.isFile()
    ? "not a plain file"
    : facts.uid !== host.ownerUid
      ? "another owner"
      : (facts.mode & 0o077) !== 0
        ? "open to others"
        : null;
  if (problem === null) return descriptor;
  closeSync(descriptor);
  throw unsafe(problem);
}

/**
 * The kernel's lock belongs to our open file: flock(1) sets it on the descriptor it inherits, and it goes when we close or die.
 * @throws LEDGER_BUSY when another command holds it for longer than `waitSeconds`
 */
export function lockLedger(descriptor: number, path: string, waitSeconds = lockWaitSeconds): void {
  const { status } = spawnSync("/usr/bin/flock", ["--exclusive", "--wait", String(waitSeconds), "3"], {
    stdio: ["ignore", "ignore", "ignore", descriptor],
    env: {},
  });
  if (status !== 0) throw new CutterError("LEDGER_BUSY", { file: path, waited_s: waitSeconds });
}

function readAll(descriptor: number, path: string): Buffer {
  const { size } = fstatSync(descriptor);
  if (size > bytesMax) throw new CutterError("HOST_FILE_UNSAFE", { reason: "too_large", file: path, bytes: size, bytes_max: bytesMax });
  const bytes = Buffer.alloc(size);
  for (let at = 0; at < size;) {
    const count = readSync(descriptor, bytes, at, size - at, at);
    if (count === 0) throw new CutterError("LEDGER_DAMAGED", { file: path, problem: "shorter than it was a moment ago" });
    at += count;
  }
  return bytes;
}

/** The journal's reader in the ledger's words: a cut line is never dropped, a broken chain never mended. */
function readOwnLines<Entry extends { readonly seq: number; readonly prev: string }>(
  bytes: Buffer,
  path: string,
  parse: (value: unknown) => Entry | null,
): ReadChain<Entry> {
  let read: ReadChain<Entry>;
  try {
    read = readLines(bytes, path, parse);
  } catch (cause) {
    if (!(cause instanceof CutterError)) throw cause;
    throw new CutterError("LEDGER_DAMAGED", { ...cause.facts, file: path }, { cause });
  }
  if (read.torn !== null) throw new CutterError("LEDGER_TORN", { file: path, whole_records: read.records.length });
  return read;
}

/**
 * All lines at once. What could not be written whole is taken back, as far as the disk lets us; if not, the next reader says LEDGER_TORN.
 * @throws DISK_FULL
 */
function append(
  descriptor: number,
  path: string,
  read: ReadChain<{ readonly seq: number; readonly prev: string }>,
  entries: readonly object[],
  now: Date,
): { readonly seq: number; readonly head: string } {
  let { head } = read;
  let text = "";
  for (const [index, entry] of entries.entries()) {
    const line = toLine(entry, { seq: read.records.length + index, at: now.toISOString(), prev: head });
    head = toLineHash(line);
    text += `${line}\n`;
  }
  const bytes = Buffer.from(text, "utf8");
  try {
    // A full disk takes a part and says why with the next write.
    for (let at = 0; at < bytes.length;) at += writeSync(descriptor, bytes, at);
    fsyncSync(descriptor);
  } catch (error) {
    takeBack(descriptor, read.bytes);
    throw toDiskError(error, path);
  }
  return { seq: read.records.length + entries.length - 1, head };
}

/** The first error is the one to tell: a disk that refuses this too has said enough. */
function takeBack(descriptor: number, length: number): void {
  try {
    ftruncateSync(descriptor, length);
  } catch {
    // The line without an end is what the next reader refuses.
  }
}
