// The plan against the document it cuts: lossless, canonical, and of the payload_sha that was approved.
import { toCanonicalJson } from "../core/encoding/canonical-json.ts";
import { checkLossless } from "../core/plan/cutplan.ts";
import { sha256Hex } from "../core/encoding/digest.ts";
import { CutterError } from "../core/errors.ts";
import { auditFinding, toAuditFinding, type AuditFinding } from "./finding.ts";
import type { RunBundle } from "../evidence/bundle.ts";
import { tryParseJson } from "../core/encoding/try-parse-json.ts";
import { recordedPlanSchema, type PlannedUnit } from "../core/plan/schema.ts";

const planSchema = recordedPlanSchema.pick({ documentId: true, sourceSha256: true, sourceBytes: true, units: true });

/** `payloadSha` and `sourceSha256` are those the journal's outputs hold. */
export function checkPlan(
  material: RunBundle,
  recorded: { readonly payloadSha: string; readonly sourceSha256: string | null; readonly documentId: string },
): readonly AuditFinding[] {
  const [planFile, sourceFile] = ["plan.json", "source.md"];
  const plan = material.files.get(planFile);
  const source = material.files.get(sourceFile);
  if (plan === undefined || source === undefined)
    return [auditFinding("file_missing", "absent", { file: plan === undefined ? planFile : sourceFile })];
  const text = Buffer.from(plan).toString("utf8");
  const parsed = planSchema.safeParse(tryParseJson(text));
  if (!parsed.success) return [auditFinding("plan_invalid", "it is no plan", { file: planFile })];
  const found = sha256Hex(plan);
  const sourceSha256 = sha256Hex(source);
  return [
    ...(toCanonicalJson(parsed.data) === text ? [] : [auditFinding("plan_invalid", "it is not in canonical form", { file: planFile })]),
    ...(found === recorded.payloadSha
      ? []
      : [auditFinding("plan_invalid", "another payload_sha", { file: planFile, facts: { expected: recorded.payloadSha, found } })]),
    ...(parsed.data.documentId === recorded.documentId
      ? []
      : [
          auditFinding("plan_invalid", "the plan of another document", {
            file: planFile,
            facts: { expected: recorded.documentId, found: parsed.data.documentId },
          }),
        ]),
    ...(sourceSha256 === parsed.data.sourceSha256 && (recorded.sourceSha256 === null || recorded.sourceSha256 === sourceSha256)
      ? []
      : [
          auditFinding("plan_invalid", "the document has another digest", {
            file: sourceFile,
            facts: { expected: parsed.data.sourceSha256, found: sourceSha256 },
          }),
        ]),
    ...lossless(source, parsed.data.units, planFile),
  ];
}

function lossless(source: Uint8Array, units: readonly PlannedUnit[], file: string): readonly AuditFinding[] {
  try {
    checkLossless(source, units);
    return [];
  } catch (error) {
    if (!(error instanceof CutterError)) throw error;
    return [toAuditFinding("plan_invalid", error, { file })];
  }
}
