// Signed approvals on the operator's side: found with their signatures, and verified with the keys the stack pins before anything goes to
// the host.
import { existsSync, lstatSync, readFileSync } from "node:fs";
import { z } from "zod";
import type { Expected } from "../orchestrator/core/approval/binding.ts";
import { toApprovalScope, toRulingScope, type ApprovalScope } from "../orchestrator/core/approval/scope.ts";
import type { ApprovalGate } from "../orchestrator/core/approval/schema.ts";
import { approvalBytesMax } from "../orchestrator/core/approval/block.ts";
import { verifyApproval, type Keys, type PinnedKeyFile } from "../orchestrator/core/approval/verify.ts";
import { parseApproval } from "../orchestrator/core/approval/parse.ts";
import { tokenFiles } from "../orchestrator/core/arming/token.ts";
import { CutterError } from "../orchestrator/core/errors.ts";
import { hostLayout } from "../orchestrator/core/host/layout.ts";
import { toDryRunId, type RunId } from "../orchestrator/core/run-id.ts";
import { readPinnedFile } from "../provision/stack/pinned-file.ts";
import type { StackConfig } from "../provision/stack/config.ts";
import type { RemoteHost } from "../provision/host/connection.ts";
import { mustRunOnHost } from "./remote-step.ts";
import { recordedOutcomeSchema } from "../orchestrator/core/run/outcome.ts";

export interface NamedBytes {
  readonly name: string; // as staged on the host
  readonly bytes: Uint8Array;
}

/** An approval as it will be staged. RULING and SG_3 are read by arming too; SG_1 and SG_2 are only uploaded. */
export interface SignedFile {
  readonly file: string;
  readonly gate: ApprovalGate;
  readonly document: NamedBytes;
  readonly signatures: readonly (NamedBytes & { readonly file: string })[]; // where it was found
}

const signatureBytesMax = 64 * 1024;

/**
 * The document and the signatures that lie beside it.
 * @throws APPROVAL_UNREADABLE, APPROVAL_* of a document that is none, APPROVAL_SIGNATURES_WRONG
 */
export function readSignedFiles(file: string): SignedFile {
  const bytes = readPlain(file, approvalBytesMax);
  const { gate } = parseApproval(bytes);
  const roles = gate === "RULING" ? ["sovereign", "architect"] : ["sovereign"];
  const signatures = roles.flatMap((role) => {
    const found = [`${file}.${role}.asc`, ...(role === "sovereign" ? [`${file}.asc`] : [])].find((name) => existsSync(name));
    return found === undefined ? [] : [{ name: toSignatureName(gate, role), file: found, bytes: readPlain(found, signatureBytesMax) }];
  });
  if (signatures.length === 0)
    throw new CutterError("APPROVAL_SIGNATURES_WRONG", { reason: "missing", gate, expected: `${file}.asc`, found: "none" });
  return { file, gate, document: { name: toDocumentName(gate), bytes }, signatures };
}

/** Says line by line what was verified. @throws APPROVAL_*, KEY_*, STACK_CONFIG_INVALID */
export async function verifyLocally(
  config: StackConfig,
  host: RemoteHost,
  runId: RunId,
  ruling: SignedFile,
  approvals: readonly SignedFile[],
): Promise<readonly string[]> {
  if (ruling.gate !== "RULING")
    throw new CutterError("APPROVAL_FOR_ANOTHER", { field: "gate", file: ruling.file, expected: "RULING", found: ruling.gate });
  const keys = readStackKeys(config);
  const bound = await readBinding(config, host, runId);
  const named = toRulingScope(config.orchestrator, config.rollbackRunbook.sha256);
  const lines: string[] = [];
  for (const signed of [ruling, ...approvals]) {
    if (signed !== ruling && !["SG_1", "SG_2", "SG_3"].includes(signed.gate))
      throw new CutterError("APPROVAL_FOR_ANOTHER", {
        field: "gate",
        file: signed.file,
        expected: "SG_1, SG_2 or SG_3",
        found: signed.gate,
      });
    const expected: Expected = { ...bound, gate: signed.gate, ruling: named };
    const verified = await verifyApproval({
      document: signed.document.bytes,
      signatures: signed.signatures.map(({ bytes }) => bytes),
      signatureFiles: signed.signatures.map(({ file }) => file),
      keys,
      expected,
      now: new Date(),
    });
    lines.push(
      `[OK]   ${signed.gate} ${verified.approval.decision}: ${signed.file}, signed by ` +
        `${verified.signers.map(({ role, fingerprint }) => `${role} ${fingerprint}`).join(" and ")}`,
    );
  }
  return lines;
}

function readStackKeys(config: StackConfig): Keys {
  const { sovereign, architect } = config.keys;
  const read = (role: string, key: NonNullable<typeof sovereign>): PinnedKeyFile => ({
    bytes: Buffer.from(readPinnedFile(`cutter-kit:keys.${role}`, key)),
    pin: { fingerprint: key.fingerprint, fileSha256: key.sha256 },
  });
  if (sovereign === undefined)
    throw new CutterError("STACK_CONFIG_INVALID", {
      stack: config.stack,
      problems: ["cutter-kit:keys.sovereign is not set: nobody can authorise anything"],
    });
  return { sovereign: read("sovereign", sovereign), architect: architect === undefined ? null : read("architect", architect) };
}

const outcomeSchema = recordedOutcomeSchema.pick({ document_id: true }).extend({ payload_sha: z.string() }); // a done run has one

/** What the approvals must name: the host's identity is the pinned one; plan and release are those the host has. */
async function readBinding(config: StackConfig, host: RemoteHost, runId: RunId): Promise<ApprovalScope> {
  const outcome = await mustRunOnHost(host, "read the dry run's outcome", 'cat -- "$1"', [
    `${config.orchestrator.sidecar_root}/${toDryRunId(runId)}/outcome.json`,
  ]);
  const manifest = await mustRunOnHost(host, "read the release's digest", 'sha256sum -- "$1"', [`${hostLayout.current}/manifest.json`]);
  const { document_id: documentId, payload_sha: payloadSha } = outcomeSchema.parse(JSON.parse(outcome));
  return toApprovalScope({ runId, documentId, payloadSha }, { host: host.address.machineIdentity, releaseSha256: manifest.slice(0, 64) });
}

function toDocumentName(gate: ApprovalGate): string {
  return gate === "RULING" ? tokenFiles.ruling : gate === "SG_3" ? tokenFiles.decision : `${gate}.md`;
}

function toSignatureName(gate: ApprovalGate, role: string): string {
  if (gate === "RULING") return role === "architect" ? tokenFiles.rulingArchitect : tokenFiles.rulingSovereign;
  return `${toDocumentName(gate)}.asc`;
}

function readPlain(file: string, bytesMax: number): Uint8Array {
  const facts = lstatSync(file, { throwIfNoEntry: false });
  const problem =
    facts === undefined
      ? "absent"
      : !facts.isFile()
        ? "not a plain file"
        : facts.size > bytesMax
          ? `larger than ${String(bytesMax)} bytes`
          : null;
  if (problem !== null) throw new CutterError("APPROVAL_UNREADABLE", { file: file.slice(0, 300), problem });
  return readFileSync(file);
}
