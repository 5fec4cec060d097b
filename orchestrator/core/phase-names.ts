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
