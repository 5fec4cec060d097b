// Phase 4: the narrow backup, consistent with from_digest, encrypted to the pinned recipient. In a dry run the stream ends nowhere; a live
// run keeps it, proven.
import { z } from "zod";
import { CutterError } from "../core/errors.ts";
import { hostLayout } from "../core/host/layout.ts";
import { refuseIf, toVerdict, type Refusal } from "../core/run/verdict.ts";
import type { DumpStream, ProvenBackup } from "../ports/backup.ts";
import type { DatabaseSnapshot } from "../ports/database.ts";
import type { WritePermission } from "../ports/permission.ts";
import type { LivePorts, ReadPorts } from "../ports/run-ports.ts";
import { cutplan } from "./03-cutplan.ts";
import { writePhase, type PhaseText } from "./define.ts";

const measured = z.strictObject({
  pgDumpVersion: z.string(),
  ciphertextBytes: z.int(),
  recipientKeyIds: z.array(z.string()),
  snapshotDigest: z.string(),
});
const proven = z.strictObject({
  file: z.string(),
  ciphertextSha256: z.string(),
  ciphertextBytes: z.int(),
  plaintextSha256: z.string(),
  recipientKeyIds: z.array(z.string()),
  archiveEntries: z.int(),
  restored: z.strictObject({ database: z.string(), digest: z.string() }).nullable(),
  pgDumpVersion: z.string(),
});
const output = z.strictObject({
  tables: z.array(z.string()),
  recipientFingerprint: z.string(),
  measured: measured.nullable(),
  proven: proven.nullable(),
});

interface Plan {
  readonly documentId: string;
  readonly fromDigest: string;
  readonly units: readonly { readonly address: string }[];
}

type BackupResult =
  { readonly state: "done"; readonly measured: z.infer<typeof measured> } | { readonly state: "failed"; readonly refusal: Refusal };

export const preWriteBackup = writePhase({
  name: "pre_write_backup",
  role: "filesystem",
  needs: { cutplan },
  output,
  observe: async (ports, { cutplan }) => ({
    config: ports.run.config,
    tables: [...ports.database.backupTables],
    attempted: await streamNowhere(ports, cutplan.plan),
  }),
  precondition: ({ attempted }, { cutplan }) =>
    attempted.state === "failed"
      ? toVerdict([attempted.refusal])
      : toVerdict(
          refuseIf(attempted.measured.snapshotDigest !== cutplan.plan.fromDigest, "ROWS_MOVED", {
            from_digest: cutplan.plan.fromDigest,
            found: attempted.measured.snapshotDigest,
          }),
        ),
  rehearse: ({ config, tables, attempted }) => ({
    tables,
    recipientFingerprint: config.backup_gpg_fpr,
    measured: attempted.state === "done" ? attempted.measured : null,
    proven: null,
  }),
  live: {
    effect: "file",
    apply: async (ports, { cutplan }, { tables, attempted }, permission) => {
      const measured = attempted.state === "done" ? attempted.measured : null;
      return {
        tables,
        recipientFingerprint: ports.run.config.backup_gpg_fpr,
        measured,
        proven: await makeBackup(ports, cutplan.plan, permission, measured?.ciphertextBytes ?? 0),
      };
    },
  },
  undo: { how: "delete file", page: "runbooks/README.md" },
  text: (output) => (output.proven === null ? toRehearsedText(output) : toProvenText(output, output.proven)),
});

type Output = z.infer<typeof output>;

function toRehearsedText({ tables, recipientFingerprint, measured }: Output): PhaseText {
  return {
    summary:
      measured === null
        ? "the backup could not be rehearsed"
        : `${String(tables.length)} tables dumped and encrypted: ${String(measured.ciphertextBytes)} bytes, kept nowhere`,
    facts: [
      ["recipient", recipientFingerprint],
      ["pg_dump version", measured?.pgDumpVersion ?? null],
      ["ciphertext bytes", measured?.ciphertextBytes ?? null],
      ["recipient key ids in the packets", measured?.recipientKeyIds.join(" ") ?? null],
      ["digest inside the snapshot", measured?.snapshotDigest ?? null],
    ],
    sections: [toTables(tables)],
  };
}

function toProvenText({ tables, recipientFingerprint }: Output, backup: z.infer<typeof proven>): PhaseText {
  return {
    summary: `${String(tables.length)} tables backed up and proven: ${String(backup.ciphertextBytes)} bytes, encrypted`,
    facts: [
      ["file", backup.file],
      ["ciphertext sha256", backup.ciphertextSha256],
      ["ciphertext bytes", backup.ciphertextBytes],
      ["archive sha256", backup.plaintextSha256],
      ["recipient", recipientFingerprint],
      ["recipient key ids in the packets", backup.recipientKeyIds.join(" ")],
      ["pg_dump version", backup.pgDumpVersion],
      ["tables with data in the archive", backup.archiveEntries],
      ["restored into", backup.restored?.database ?? null],
      ["digest of the restored rows", backup.restored?.digest ?? null],
    ],
    sections: [
      {
        title: "What is proven",
        body: [
          "- The rows of this document in the dump's snapshot have the plan's `from_digest`; pg_dump ended with exit code 0.",
          "- The bytes on disk, read again, have the sha256 above. They decrypt without error, with a key made for this run, to " +
            "exactly the bytes pg_dump gave out. That key was on tmpfs only and is destroyed.",
          "- The packets name exactly two recipients: the pinned key and the run's. pg_restore of the server's own version lists " +
            "the data of every table below.",
          backup.restored === null
            ? "- No scratch database is configured: nothing was restored."
            : "- Restored into the scratch database, the rows of this document have the plan's `from_digest` again.",
        ].join("\n"),
      },
      {
        title: "What is not proven",
        body: [
          "- That the owner can still decrypt it: the pinned key's private half is not on this host. The survey tells the date of " +
            "the last signed restore proof.",
          "- That the disk keeps it: the file lies on the host it is a backup of. Copy it away.",
          ...(backup.restored === null
            ? ["- That a restore works: the archive was listed, not restored."]
            : ["- Indexes, foreign keys, triggers and rights: the proof restores tables and rows."]),
        ].join("\n"),
      },
      toTables(tables),
    ],
  };
}

function toTables(tables: readonly string[]) {
  return { title: "Tables", body: tables.map((table) => `- \`${table}\``).join("\n") };
}

/**
 * A file of an earlier try is made again: only the one the journal tells of counts.
 * @throws ROWS_MOVED, and what BackupStore.make throws
 */
async function makeBackup(
  ports: LivePorts,
  plan: Plan,
  permission: WritePermission,
  expectedBytes: number,
): Promise<z.infer<typeof proven>> {
  const { config, runId } = ports.run;
  return inSnapshot(ports, plan, async (snapshot) => {
    if (snapshot.digest.sha256 !== plan.fromDigest)
      throw new CutterError("ROWS_MOVED", { from_digest: plan.fromDigest, found: snapshot.digest.sha256 });
    const dump = await ports.dumpSource.open({ snapshotId: snapshot.id, tables: ports.database.backupTables });
    const made: ProvenBackup = await ports.backups.make(permission, {
      dump,
      destination: `${config.sidecar_root}/${runId}/backup/${runId}.dump.gpg`,
      recipientKeyFile: `${hostLayout.keys}/backup.asc`,
      recipientFingerprint: config.backup_gpg_fpr,
      documentId: plan.documentId,
      plannedAddresses: plan.units.map((unit) => unit.address),
      fromDigest: plan.fromDigest,
      expectedBytes,
    });
    return { ...made, recipientKeyIds: [...made.recipientKeyIds], pgDumpVersion: dump.pgDumpVersion };
  });
}

async function inSnapshot<Result>(ports: ReadPorts, plan: Plan, work: (snapshot: DatabaseSnapshot) => Promise<Result>): Promise<Result> {
  const snapshot = await ports.database.openSnapshot(
    plan.documentId,
    plan.units.map((unit) => unit.address),
  );
  try {
    return await work(snapshot);
  } finally {
    await snapshot.close();
  }
}

/** What fails here stops a live run; a dry run records it and goes on. */
function streamNowhere(ports: ReadPorts, plan: Plan): Promise<BackupResult> {
  return inSnapshot(ports, plan, async (snapshot): Promise<BackupResult> => {
    try {
      const dump = await ports.dumpSource.open({ snapshotId: snapshot.id, tables: ports.database.backupTables });
      const encrypted = await encrypt(ports, dump);
      return {
        state: "done",
        measured: {
          pgDumpVersion: dump.pgDumpVersion,
          ciphertextBytes: encrypted.ciphertextBytes,
          recipientKeyIds: [...encrypted.recipientKeyIds],
          snapshotDigest: snapshot.digest.sha256,
        },
      };
    } catch (error) {
      if (error instanceof CutterError) return { state: "failed", refusal: { code: error.code, facts: error.facts } };
      throw error;
    }
  });
}

/**
 * Both ends are awaited: a stream that looks whole but whose pg_dump failed is no backup. The encryptor's error comes first, since giving
 * up the stream is its consequence.
 */
async function encrypt(ports: ReadPorts, dump: DumpStream) {
  dump.exit.catch(() => undefined); // awaited below, unless the encryption fails
  try {
    const encrypted = await ports.encryptor.encrypt(dump.stream, {
      recipientKeyFile: `${hostLayout.keys}/backup.asc`,
      recipientFingerprint: ports.run.config.backup_gpg_fpr,
      destination: null,
    });
    const exit = await dump.exit;
    if (exit.code !== 0) throw new CutterError("BACKUP_UNPROVEN", { pg_dump_exit: exit.code, stderr: exit.stderr.slice(0, 500) });
    return encrypted;
  } finally {
    dump.stream.destroy();
  }
}
