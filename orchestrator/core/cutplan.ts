// Types of the cut plan; made by mark.ts and cutplan's builder.

export interface PlannedUnit {
  readonly address: string; // "<document code>/<path>", unique in the plan
  readonly kind: "preamble" | "section" | "document";
  readonly parent: string | null; // address of the parent unit
  readonly ordinal: number; // 0-based position in the document
  readonly level: number; // heading level 1–6, 0 without heading
  readonly title: string;
  readonly byteStart: number;
  readonly byteEnd: number; // exclusive
  readonly sha256: string; // of the unit's bytes
}

/** What people approve: a transition state → state. No run id in it (design 4.2). */
export interface CutPlan {
  readonly schema: "cutter.plan/1";
  readonly documentId: string;
  readonly docCode: string;
  readonly sourceSha256: string;
  readonly sourceBytes: number;
  readonly sourceRevision: number;
  readonly fromDigest: string;
  readonly units: readonly PlannedUnit[];
}
