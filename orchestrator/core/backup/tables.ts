// The tables of the narrow backup: those a run may change, and no others. The root helper dumps nothing else, whoever asks.

export const backupTables = [
  "public.information_unit",
  "public.unit_version",
  "public.iu_lifecycle_log",
  "cutter_governance.review_decision",
  "cutter_governance.cut_change_set",
  "cutter_governance.manifest_envelope",
  "cutter_governance.dot_pair_signature",
  "cutter_governance.verify_result",
  "cutter_governance.source_document_registry",
  "cutter_governance.source_document_version_registry",
] as const;
