// payload_sha: what people sign. The digest of the plan's one canonical text.
import { toCanonicalJson } from "../encoding/canonical-json.ts";
import type { CutPlan } from "./schema.ts";
import { sha256Hex } from "../encoding/digest.ts";

/** The plan as RFC 8785 canonical JSON; its UTF-8 bytes are what `toPayloadSha` digests, and what the run folder keeps. */
export function toPlanText(plan: CutPlan): string {
  return toCanonicalJson(plan);
}

/** 64 hex digits. Equal for equal plans, whichever run computed them: no run id, no time and no host is part of it. */
export function toPayloadSha(plan: CutPlan): string {
  return sha256Hex(toPlanText(plan));
}
