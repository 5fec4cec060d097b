// Phase 4: the narrow backup, consistent with from_digest, encrypted to the pinned recipient. In a dry run the stream ends nowhere.
import { z } from "zod";
import { CutterError } from "../core/errors.ts";
import { hostLayout } from "../core/host-layout.ts";
import { refuseIf, toVerdict, type Refusal } from "../core/verdict.ts";
import type { DumpStream } from "../ports/backup.ts";
import type { ReadPorts } from "../ports/run-ports.ts";
import { cutplan } from "./03-cutplan.ts";
import { refuseLive, writePhase } from "./define.ts";

const measured = z.strictObject({ pgDumpVersion: z.string(), ciphertextBytes: z.int(), recipientKeyIds: z.array(z.string()), snapshotDigest: z.string() });
const output = z.strictObject({ tables: z.array(z.string()), recipientFingerprint: z.string(), measured: measured.nullable() });

type Attempted = { readonly state: "done"; readonly measured: z.infer<typeof measured> } | { readonly state: "failed"; readonly refusal: Refusal };

export const preWriteBackup = writePhase({
  name: "pre_write_backup",
  role: "filesystem",
  needs: { cutplan },
  output,
  observe: async (ports, { cutplan }) => ({ config: ports.run.config, tables: [...ports.database.backupTables], attempted: await streamNowhere(ports, cutplan.plan) }),
  gate: ({ attempted }, { cutplan }) =>
    attempted.state === "failed"
      ? toVerdict([attempted.refusal])
      : toVerdict(refuseIf(attempted.measured.snapshotDigest !== cutplan.plan.fromDigest, "ROWS_MOVED", { from_digest: cutplan.plan.fromDigest, found: attempted.measured.snapshotDigest })),
  rehearse: ({ config, tables, attempted }) => ({ tables, recipientFingerprint: config.backup_gpg_fpr, measured: attempted.state === "done" ? attempted.measured : null }),
  live: refuseLive("pre_write_backup"),
  undo: { how: "delete file", page: "runbooks/README.md" },
  text: ({ tables, recipientFingerprint, measured }) => ({
    summary: measured === null ? "the backup could not be rehearsed" : `${String(tables.length)} tables dumped and encrypted: ${String(measured.ciphertextBytes)} bytes, kept nowhere`,
    facts: [
      ["recipient", recipientFingerprint],
      ["pg_dump version", measured?.pgDumpVersion ?? null],
      ["ciphertext bytes", measured?.ciphertextBytes ?? null],
      ["recipient key ids in the packets", measured?.recipientKeyIds.join(" ") ?? null],
      ["digest inside the snapshot", measured?.snapshotDigest ?? null],
    ],
    sections: [{ title: "Tables", body: tables.map((table) => `- \`${table}\``).join("\n") }],
  }),
});

/** What fails here stops a live run; a dry run records it and goes on. */
async function streamNowhere(ports: ReadPorts, plan: { readonly documentId: string; readonly units: readonly { readonly address: string }[] }): Promise<Attempted> {
  const snapshot = await ports.database.openSnapshot(plan.documentId, plan.units.map((unit) => unit.address));
  try {
    const dump = await ports.dumpSource.open({ snapshotId: snapshot.id, tables: ports.database.backupTables });
    const encrypted = await encrypt(ports, dump);
    return { state: "done", measured: { pgDumpVersion: dump.pgDumpVersion, ciphertextBytes: encrypted.ciphertextBytes, recipientKeyIds: [...encrypted.recipientKeyIds], snapshotDigest: snapshot.digest.sha256 } };
  } catch (error) {
    if (error instanceof CutterError) return { state: "failed", refusal: { code: error.code, facts: error.facts } };
    throw error;
  } finally {
    await snapshot.close();
  }
}

/** Both ends are awaited: a stream that looks whole but whose pg_dump failed is no backup. The encryptor's error comes first, since giving up the stream is its consequence. */
async function encrypt(ports: ReadPorts, dump: DumpStream) {
  dump.exit.catch(() => undefined); // awaited below, unless the encryption fails
  try {
    const encrypted = await ports.encryptor.encrypt(dump.stream, { recipientKeyFile: `${hostLayout.keys}/backup.asc`, recipientFingerprint: ports.run.config.backup_gpg_fpr, destination: null });
    const exit = await dump.exit;
    if (exit.code !== 0) throw new CutterError("BACKUP_UNPROVEN", { pg_dump_exit: exit.code, stderr: exit.stderr.slice(0, 500) });
    return encrypted;
  } finally {
    dump.stream.destroy();
  }
}
