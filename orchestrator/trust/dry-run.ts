// What a dry run settled, read back from its folder: the plan that people approve. For those who draft, verify and arm.
import type { DraftedRun } from "../core/approval/draft.ts";
import { sha256Hex } from "../core/encoding/digest.ts";
import { CutterError, type Facts } from "../core/errors.ts";
import { isKbId } from "../core/knowledge-base/id.ts";
import { toDryRunId, type RunId } from "../core/run-id.ts";
import type { Files } from "../ports/files.ts";
import { readPlainFile } from "./plain-file.ts";
import { tryParseJson } from "../core/encoding/try-parse-json.ts";
import { recordedPlanSchema } from "../core/plan/schema.ts";
import { recordedOutcomeSchema } from "../core/run/outcome.ts";

const planBytesMax = 256 * 1024 * 1024;

export interface DryRun {
  readonly run: DraftedRun; // of the live run it stands for
  readonly wouldRefuse: readonly string[]; // codes it recorded, the missing approvals left out
}

const outcomeSchema = recordedOutcomeSchema
  .pick({ run_id: true, document_id: true, mode: true, result: true, certificate: true, payload_sha: true, would_refuse: true })
  .refine(({ mode, document_id }) => mode === "dryrun" && isKbId(document_id));
const planSchema = recordedPlanSchema.pick({ documentId: true, sourceSha256: true, sourceBytes: true, sourceRevision: true, units: true });

/**
 * Reads outcome.json and plan.json of `<runId>.dryrun`: the run must be done, certified `pass`, and its plan the one whose digest it told.
 * @throws APPROVAL_DRY_RUN_UNFIT
 */
export async function readDryRun(files: Pick<Files, "read" | "facts">, sidecarRoot: string, runId: RunId): Promise<DryRun> {
  const folder = `${sidecarRoot}/${toDryRunId(runId)}`;
  const unfit = (facts: Facts): CutterError => new CutterError("APPROVAL_DRY_RUN_UNFIT", { run_id: toDryRunId(runId), ...facts });
  const read = async (name: string): Promise<Uint8Array> =>
    readPlainFile(files, `${folder}/${name}`, planBytesMax).catch((cause: unknown) => {
      throw unfit({ file: `${folder}/${name}`, problem: cause instanceof CutterError ? String(cause.facts["problem"]) : "cannot be read" });
    });
  const outcome = outcomeSchema.safeParse(tryParseJson(await read("outcome.json")));
  if (!outcome.success) throw unfit({ file: `${folder}/outcome.json`, problem: "not the outcome of a dry run" });
  const { run_id, document_id, result, certificate, payload_sha, would_refuse } = outcome.data;
  if (run_id !== toDryRunId(runId)) throw unfit({ field: "run_id", expected: toDryRunId(runId), found: run_id.slice(0, 80) });
  if (result !== "done" || certificate !== "pass")
    throw unfit({
      field: result === "done" ? "certificate" : "result",
      expected: result === "done" ? "pass" : "done",
      found: result === "done" ? certificate : result,
    });
  const planBytes = await read("plan.json");
  const payloadSha = sha256Hex(planBytes);
  if (payload_sha !== payloadSha) throw unfit({ field: "payload_sha", expected: payload_sha, found: payloadSha });
  const plan = planSchema.safeParse(tryParseJson(planBytes));
  if (!plan.success || plan.data.documentId !== document_id)
    throw unfit({ file: `${folder}/plan.json`, problem: "not the plan of this document" });
  const { sourceSha256, sourceBytes, sourceRevision, units } = plan.data;
  return {
    run: { runId, documentId: document_id, payloadSha, units: units.length, sourceSha256, sourceBytes, sourceRevision },
    wouldRefuse: would_refuse.map(({ code }) => code).filter((code) => code !== "APPROVAL_MISSING"),
  };
}
