// The effects of a live run: what changes the world, step by step, and the digests by which the three layers are compared. Pure.
import { sha256OfJson } from "../encoding/digest.ts";

/** Every step that leaves something outside the run's folder, in order. SG_1 and SG_2 are the decision rows (decision 11). */
export const effectSteps = ["SG_1", "cut_leg_a", "leg_b_record", "write_verify", "SG_2", "lifecycle_enact"] as const;
export type EffectStep = (typeof effectSteps)[number];

/** Every step that takes a permission: the effects, the backup's file, and the row by which an SG_3 gives a run up. */
export const writeSteps = [...effectSteps, "pre_write_backup", "SG_3"] as const;
export type WriteStep = (typeof writeSteps)[number];

/** What one layer outside the journal says of a step. `sha256` is the digest of what is there, in the same form as the expected one. */
export type Layer =
  | { readonly state: "none" }
  | { readonly state: "there"; readonly sha256: string }
  | { readonly state: "partial"; readonly found: number; readonly expected: number };

/** The two layers of the database: what stands under the step's unique keys, and what its recorder says. */
export interface Layers {
  readonly unique: Layer;
  readonly recorder: Layer;
}

/** One unit as leg A leaves it: from the plan (expected) or from the database (found). The order is the plan's. */
export interface UnitEffect {
  readonly idempotencyKey: string;
  readonly address: string;
  readonly docCode: string;
  readonly parent: string | null; // address
  readonly kind: string;
  readonly ordinal: number;
  readonly headingPath: string;
  readonly byteStart: number;
  readonly byteEnd: number;
  readonly bodySha256: string;
  readonly sourceVersionId: string;
}

/** One unit as lifecycle_enact leaves it. */
export interface EnactEffect {
  readonly idempotencyKey: string;
  readonly address: string;
  readonly toState: string;
  readonly reviewDecisionId: string;
}

/** A governance row without what the database makes itself (id, recorded_by, times). */
export interface RowEffect {
  readonly table: string;
  readonly values: Readonly<Record<string, string | number | null>>;
}

/** Order matters and is the caller's: the plan's. Pure. */
export function toEffectSha256(effects: readonly (UnitEffect | EnactEffect | RowEffect)[]): string {
  return sha256OfJson(effects.map((effect) => ({ ...effect })));
}

export function isWriteStep(name: string): name is WriteStep {
  return writeSteps.some((step) => step === name);
}
