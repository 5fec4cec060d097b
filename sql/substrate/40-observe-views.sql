-- One read-only view per governance table (sandbox and tests only).
-- Role: workflow_admin. Landed when: 7 views match cutter_governance.v_%_observe.
create view cutter_governance.v_source_document_registry_observe as
  select id, kb_document_id, doc_code, title, registered_by, registered_at
  from cutter_governance.source_document_registry;
create view cutter_governance.v_source_document_version_registry_observe as
  select id, source_document_id, version_no, kb_revision, sha256, byte_length, registered_by, registered_at
  from cutter_governance.source_document_version_registry;
create view cutter_governance.v_review_decision_observe as
  select id, source_document_id, phase, gate, run_id, decision, payload_sha, approval_kb_id, approval_sha256,
    recorded_by, recorded_at
  from cutter_governance.review_decision;
create view cutter_governance.v_cut_change_set_observe as
  select id, source_document_id, source_version_id, run_id, review_decision_id, payload_sha, from_digest, to_digest,
    unit_count, recorded_by, recorded_at
  from cutter_governance.cut_change_set;
create view cutter_governance.v_manifest_envelope_observe as
  select id, change_set_id, run_id, manifest, manifest_sha256, recorded_by, recorded_at
  from cutter_governance.manifest_envelope;
create view cutter_governance.v_dot_pair_signature_observe as
  select id, change_set_id, run_id, signer_role, key_fingerprint, signature_sha256, approval_kb_id, recorded_by, recorded_at
  from cutter_governance.dot_pair_signature;
create view cutter_governance.v_verify_result_observe as
  select id, change_set_id, run_id, verdict, units_checked, to_digest, verified_by, verified_at
  from cutter_governance.verify_result;
