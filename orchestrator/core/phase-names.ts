// The 11 phase names: contract. One spelling in code, log, SQL and documents.

export const phaseNames = [
  "source_pin",
  "mark",
  "cutplan",
  "pre_write_backup",
  "grant_probe",
  "cut_leg_a",
  "structural_verify",
  "leg_b_record",
  "write_verify",
  "lifecycle_enact",
  "closeout",
] as const;

export type PhaseName = (typeof phaseNames)[number];

/**
 * The phase an approval of a gate names: for SG_1 and SG_2 the one it allows; for RULING and REVERT the first that writes to the database,
 * which a ruling begins and a revert undoes. An SG_3 names the phase that failed.
 */
export const phaseOfGate = {
  SG_1: "cut_leg_a",
  SG_2: "lifecycle_enact",
  RULING: "cut_leg_a",
  REVERT: "cut_leg_a",
} as const satisfies Readonly<Record<string, PhaseName>>;
