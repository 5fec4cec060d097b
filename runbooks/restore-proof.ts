// restore-proof: the owner shows that the offline key still opens a backup. Without --proof a draft and what to type; with it, judged here
// and on the host, and kept.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { parseArgs } from "node:util";
import { z } from "zod";
import { sha256Hex } from "../orchestrator/core/encoding/digest.ts";
import { CutterError } from "../orchestrator/core/errors.ts";
import { hostLayout } from "../orchestrator/core/host/layout.ts";
import { toPhaseStem } from "../orchestrator/core/knowledge-base/phase-document-id.ts";
import { toRestoreProofDraft } from "../orchestrator/core/gaps/restore-proof-draft.ts";
import { restoreProofDaysMax, restoreProofFiles, toRestoreStaging, verifyRestoreProof } from "../orchestrator/core/gaps/restore-proof.ts";
import { parseRunId, type RunId } from "../orchestrator/core/run-id.ts";
import { readPinnedFile } from "../provision/stack/pinned-file.ts";
import type { StackConfig } from "../provision/stack/config.ts";
import { findCheckout } from "../provision/checkout.ts";
import type { RemoteHost } from "../provision/host/connection.ts";
import { toDraftFolder } from "./drafts.ts";
import { mustRunOnHost } from "./remote-step.ts";
import { runScript, toRequired } from "./script.ts";
import { readStack, stackOptions, toTypedFor, withHost } from "./stack.ts";

const usage = `runbooks/restore-proof --run-id R [--proof FILE] [--stack S] [--host H]
  Proves that the owner can still decrypt the backup of run R, with the key that is not on the host. The survey is red without such a proof,
  and when the last one is older than ${String(restoreProofDaysMax)} days.
  without --proof  writes the draft approvals/R/${restoreProofFiles.document} and prints how to decrypt, fill and sign it
  --proof FILE     the filled draft; the sovereign's signature, FILE.asc or FILE.sovereign.asc, lies beside it. Judged here and on the host, then kept there
--stack S is Pulumi.S.yaml here; without it the only one there is. --host H: one of the stack's hosts, where it has several.
Exit: 0 draft written, or proof kept · 2 usage · 10 refused, nothing kept · 78 configuration`;

const outputSchema = z.looseObject({
  proven: z.looseObject({ file: z.string(), ciphertextSha256: z.string(), ciphertextBytes: z.int() }).nullable(),
});

await runScript(usage, async () => {
  const { values } = parseArgs({ options: { ...stackOptions, "run-id": { type: "string" }, proof: { type: "string" } } });
  const runId = parseRunId(toRequired(values["run-id"], "--run-id"), { allowDryRunSuffix: false });
  const config = readStack(values.stack);
  const file = values.proof;
  return await withHost(config, values.host, async (host) =>
    file === undefined ? await draft(config, host, runId) : await sendProof(config, host, runId, file),
  );
});

async function draft(config: StackConfig, host: RemoteHost, runId: RunId): Promise<number> {
  const path = `${config.orchestrator.sidecar_root}/${runId}/outputs/${toPhaseStem(4, "pre_write_backup")}.json`;
  const { proven } = outputSchema.parse(
    JSON.parse(await mustRunOnHost(host, "read the run's backup", '[ -f "$1" ] && cat -- "$1" || echo \'{"proven":null}\'', [path])),
  );
  if (proven === null) throw new CutterError("RESTORE_PROOF_NO_BACKUP", { host: host.address.name, run_id: runId, looked_for: path });
  const folder = toDraftFolder(runId);
  const target = join(folder, restoreProofFiles.document);
  const backup = {
    runId,
    host: host.address.machineIdentity,
    recipient: config.keys.backup.fingerprint,
    file: proven.file,
    sha256: proven.ciphertextSha256,
  };
  const { document, commands } = toRestoreProofDraft(backup, {
    user: host.address.user,
    host: host.address.host,
    port: host.address.port,
    document: restoreProofFiles.document,
  });
  const kept = existsSync(target);
  if (!kept) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(target, document, { flag: "wx" });
  }
  console.log(
    `[OK]   ${relative(findCheckout(), target)} ${kept ? "was there and is left as it is" : "written"}: the backup of ` +
      `${runId}, ${String(proven.ciphertextBytes)} bytes, on ${host.address.name}`,
  );
  const again = ["runbooks/restore-proof", "--run-id", runId];
  console.log(`[INFO] where the backup key ${backup.recipient} is, with that file beside you:`);
  for (const command of commands) console.log(`    ${command}`);
  console.log(`[INFO] then here: ${toTypedFor(config, host, [...again, "--proof", relative(findCheckout(), target)])}`);
  return 0;
}

async function sendProof(config: StackConfig, host: RemoteHost, runId: RunId, file: string): Promise<number> {
  const [document, signature] = [readGiven(file), readGiven(existsSync(`${file}.asc`) ? `${file}.asc` : `${file}.sovereign.asc`)];
  const key = config.keys.sovereign;
  if (key === undefined)
    throw new CutterError("STACK_CONFIG_INVALID", {
      stack: config.stack,
      problems: ["cutter-kit:keys.sovereign is not set: nobody can sign a proof"],
    });
  const sovereign = {
    bytes: Buffer.from(readPinnedFile("cutter-kit:keys.sovereign", key)),
    pin: { fingerprint: key.fingerprint, fileSha256: key.sha256 },
  };
  const { proof, signer } = await verifyRestoreProof({
    document,
    signature,
    sovereign,
    expected: { host: host.address.machineIdentity, recipient: config.keys.backup.fingerprint },
    now: new Date(),
  });
  console.log(`[OK]   signed by the sovereign ${signer}: backup of ${proof.run_id} decrypted at ${proof.performed_at}`);
  const folder = toRestoreStaging(runId);
  await mustRunOnHost(host, "make the staging folder", 'umask 077; mkdir -p -m 0700 -- "$1" && rm -rf -- "$2" && mkdir -- "$2"', [
    hostLayout.incoming,
    folder,
  ]);
  for (const [name, bytes] of [
    [restoreProofFiles.document, document],
    [restoreProofFiles.signature, signature],
  ] as const) {
    await mustRunOnHost(host, `stage ${name}`, 'umask 077; set -C; cat > "$1"', [`${folder}/${name}`], { stdin: bytes });
  }
  await mustRunOnHost(host, "keep the proof", 'exec /opt/cutter/current/bin/cutter-root keep-restore-proof "$1"', [runId]);
  console.log(
    `[OK]   ${host.address.name} compared both digests with the run's own record and keeps the proof ` +
      `${sha256Hex(document).slice(0, 12)}; the survey tells its date for ${String(restoreProofDaysMax)} days`,
  );
  return 0;
}

function readGiven(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new CutterError(
      "APPROVAL_UNREADABLE",
      { file: file.slice(0, 300), problem: cause instanceof Error && "code" in cause ? String(cause.code) : "cannot be read" },
      { cause },
    );
  }
}
