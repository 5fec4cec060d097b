// From rows found to what a layer says: nothing, all of it with its digest, or a part. Pure.
import { toEffectSha256, type EnactEffect, type Layer, type RowEffect, type UnitEffect } from "../core/journal/effect.ts";

/** `expected` is how many there have to be. */
export function toLayer(effects: readonly (UnitEffect | EnactEffect | RowEffect)[], expected: number): Layer {
  if (effects.length === 0) return { state: "none" };
  return effects.length === expected
    ? { state: "there", sha256: toEffectSha256(effects) }
    : { state: "partial", found: effects.length, expected };
}
