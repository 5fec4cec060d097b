// cutter approval verify: who signed what, and whether it still holds. Offline: reads files, opens nothing, changes nothing.
import { buildCommand } from "@stricli/core";
import type { Expected } from "../core/approval/binding.ts";
import { parseApproval } from "../core/approval/parse.ts";
import { approvalGates, type ApprovalGate } from "../core/approval/schema.ts";
import { approvalBytesMax } from "../core/approval/block.ts";
import { verifyApproval, type VerifiedApproval } from "../core/approval/verify.ts";
import { hostLayout } from "../core/host/layout.ts";
import { readHostKeys } from "../trust/host-keys.ts";
import { readPlainFile } from "../trust/plain-file.ts";
import { readRulingScope, readApprovalFacts, readSignatures } from "./approval-inputs.ts";
import type { CutterContext, Services } from "./context.ts";
import { keyFlags, readGivenKeys, type KeyFlags } from "./given-keys.ts";
import { commonFlags, print, parseString, type CommonFlags } from "./flags.ts";
import { toApprovalScope } from "../core/approval/scope.ts";

interface Flags extends CommonFlags, KeyFlags {
  readonly signature?: readonly string[];
  readonly gate?: ApprovalGate;
  readonly "run-id"?: string;
}

export const approvalVerifyCommand = buildCommand<Flags, [string], CutterContext>({
  docs: {
    brief: "Verify a signed approval, offline",
    fullDescription:
      "Verifies the document, its signatures and its dates against the keys you give, or else against the keys pinned on this " +
      "host (as root). With --run-id also that it approves what that run's dry run computed here, on this host, with this " +
      "release.",
  },
  parameters: {
    flags: {
      ...commonFlags,
      signature: {
        kind: "parsed",
        parse: parseString,
        brief: "Detached signature; without it FILE.asc, FILE.sovereign.asc, FILE.architect.asc are taken",
        optional: true,
        variadic: true,
        placeholder: "FILE.asc",
      },
      ...keyFlags,
      gate: { kind: "enum", values: approvalGates, brief: "The gate it must be for", optional: true },
      "run-id": {
        kind: "parsed",
        parse: parseString,
        brief: "Compare it with what this run's dry run computed on this host",
        optional: true,
        placeholder: "R",
      },
    },
    positional: { kind: "tuple", parameters: [{ brief: "Approval document", parse: parseString, placeholder: "FILE" }] },
  },
  func: async function (this: CutterContext, flags, file) {
    const { services } = this;
    const given = await readGivenKeys(services.files, flags);
    const document = await readPlainFile(services.files, file, approvalBytesMax);
    const { signatures, signatureFiles } = await readSignatures(services.files, file, flags.signature);
    // Before keys are looked for: a document that is none needs none.
    const { gate } = parseApproval(document);
    const keys = given ?? (await readHostKeys(services.files, hostLayout));
    const expected = await readExpected(services, flags, gate);
    const verified = await verifyApproval({ document, signatures, signatureFiles, keys, expected, now: services.clock.now() });
    print(this, flags, toJson(verified), toText(verified, given === null));
  },
});

async function readExpected(services: Services, flags: Flags, gate: ApprovalGate): Promise<Expected> {
  const asked = flags.gate === undefined ? {} : { gate: flags.gate };
  if (flags["run-id"] === undefined) return asked;
  const facts = await readApprovalFacts(services, flags["run-id"]);
  const expected = { ...asked, ...toApprovalScope(facts.run, facts) };
  if (gate !== "RULING") return expected;
  const ruling = await readRulingScope(services, hostLayout.rollbackRunbook);
  return { ...expected, ruling: { documentSha256: facts.run.sourceSha256, ...ruling } };
}

function toJson({ approval, documentSha256, signers, humanSigners, compared, verifiedAt }: VerifiedApproval): object {
  return {
    schema: "cutter.approval-verify/1",
    valid: true,
    approval,
    document_sha256: documentSha256,
    signers: signers.map((signer) => ({
      role: signer.role,
      fingerprint: signer.fingerprint,
      signing_key: signer.signingKeyFingerprint,
      signed_at: signer.signedAt.toISOString(),
      signature_sha256: signer.signatureSha256,
    })),
    human_signers: humanSigners,
    compared,
    judged_at: verifiedAt.toISOString(),
  };
}

function toText({ approval, documentSha256, signers, humanSigners, compared }: VerifiedApproval, hostKeys: boolean): readonly string[] {
  const entries = approval.gate === "SG_2" ? (approval.entries ?? []) : [];
  return [
    `[OK] ${approval.gate} ${approval.decision} run_id=${approval.run_id} document_id=${approval.document_id} ` +
      `payload_sha=${approval.payload_sha} review_decision_id=${approval.review_decision_id}`,
    ...entries.map(
      (entry) =>
        `[OK] ${approval.gate} ${approval.decision} run_id=${entry.run_id} document_id=${entry.document_id} ` +
        `payload_sha=${entry.payload_sha} review_decision_id=${entry.review_decision_id}`,
    ),
    ...signers.map((signer) => `[OK] signed by the ${signer.role} ${signer.fingerprint} at ${signer.signedAt.toISOString()}`),
    `[INFO] document sha256 ${documentSha256}; trusted keys: ${hostKeys ? "those pinned on this host" : "those given"}`,
    ...(approval.gate === "RULING" && humanSigners === 1 ? ["[WARN] one human signer"] : []),
    compared.includes("payload_sha")
      ? `[OK] compared with this host's dry run: ${compared.join(", ")}`
      : "[WARN] not compared with a run of this host: --run-id R does that",
  ];
}
