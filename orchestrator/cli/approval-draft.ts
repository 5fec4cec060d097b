// cutter approval draft: the document to sign on stdout, how to fill and sign it on stderr. Rebuilt from the dry run; writes nothing.
import { buildCommand } from "@stricli/core";
import { toApprovalDraft, type DraftRequest } from "../core/approval/draft.ts";
import { escalatingPhases, approvalGates, type ApprovalGate } from "../core/approval/schema.ts";
import { CutterError } from "../core/errors.ts";
import { hostLayout } from "../core/host/layout.ts";
import { readRulingScope, readApprovalFacts, requireUsable, type ApprovalFacts } from "./approval-inputs.ts";
import type { CutterContext, Services } from "./context.ts";
import { commonFlags, parseString, type CommonFlags } from "./flags.ts";

interface Flags extends CommonFlags {
  readonly gate: ApprovalGate;
  readonly "run-id": string;
  readonly "also-run"?: readonly string[];
  readonly phase?: (typeof escalatingPhases)[number];
  readonly decision?: "resume" | "void";
}

export const approvalDraftCommand = buildCommand<Flags, [], CutterContext>({
  docs: {
    brief: "Print the document to sign, and the commands to fill and sign it",
    fullDescription:
      "Prints the approval document of a gate for a run whose dry run is done, with placeholders for what only the signer may " +
      "fill in. Where a paper signed now could never be used it refuses and says what to do instead. The document " +
      "goes to stdout, the commands to fill and sign it to stderr; with --json both in one object.",
  },
  parameters: {
    flags: {
      ...commonFlags,
      gate: { kind: "enum", values: approvalGates, brief: "Which gate" },
      "run-id": { kind: "parsed", parse: parseString, brief: "Which run; its dry run must be done", placeholder: "R" },
      "also-run": {
        kind: "parsed",
        parse: parseString,
        brief: "SG_2 only: a further run of the batch",
        optional: true,
        variadic: true,
        placeholder: "R",
      },
      phase: { kind: "enum", values: escalatingPhases, brief: "SG_3 only: the phase that failed", optional: true },
      decision: { kind: "enum", values: ["resume", "void"], brief: "SG_3 only: what to sign", optional: true },
    },
  },
  func: async function (this: CutterContext, flags) {
    checkFlags(flags);
    const facts = await readApprovalFacts(this.services, flags["run-id"]);
    await requireUsable(this.services, flags.gate, facts);
    const draft = toApprovalDraft(await toRequest(this.services, flags, facts));
    if (flags.json) {
      this.process.stdout.write(
        `${JSON.stringify({ schema: "cutter.approval-draft/1", gate: flags.gate, run_id: facts.run.runId, payload_sha: facts.run.payloadSha, file_name: draft.fileName, document: draft.document, placeholders: draft.placeholders, commands: draft.commands, would_refuse: facts.wouldRefuse })}\n`,
      );
      return;
    }
    this.process.stdout.write(draft.document);
    const lines = [
      ...facts.wouldRefuse.map((code) => `[WARN] the dry run says a live run would refuse: ${code}`),
      `[INFO] save the document as ${draft.fileName}, then fill and sign it:`,
      ...draft.commands.map((command) => `    ${command}`),
    ];
    this.process.stderr.write(lines.map((line) => `${line}\n`).join(""));
  },
});

function checkFlags({ gate, phase, decision, "also-run": alsoRun }: Flags): void {
  const usage = (problem: string): CutterError => new CutterError("USAGE_INVALID", { problem });
  if (gate === "SG_3" && (phase === undefined || decision === undefined)) throw usage("SG_3 needs --phase and --decision");
  if (gate !== "SG_3" && (phase !== undefined || decision !== undefined)) throw usage("--phase and --decision belong to SG_3");
  if (gate !== "SG_2" && alsoRun !== undefined) throw usage("--also-run belongs to SG_2");
}

async function toRequest(services: Services, flags: Flags, { run, host, releaseSha256 }: ApprovalFacts): Promise<DraftRequest> {
  const { gate, phase, decision } = flags;
  const common = { run, host, releaseSha256 };
  if (gate === "SG_2") {
    const more = [];
    for (const runId of flags["also-run"] ?? []) more.push((await readApprovalFacts(services, runId)).run);
    return { ...common, gate, more };
  }
  if (gate === "RULING") return { ...common, gate, ruling: await readRulingScope(services, hostLayout.rollbackRunbook) };
  if (gate !== "SG_3") return { ...common, gate };
  if (phase === undefined || decision === undefined)
    throw new CutterError("USAGE_INVALID", { problem: "SG_3 needs --phase and --decision" });
  return { ...common, gate, phase, decision };
}
