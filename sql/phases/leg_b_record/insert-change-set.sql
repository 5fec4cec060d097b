-- The change set of a cut. Role: the governance principal. Locks: row exclusive.
-- Landed when: one row of (source_document_id, run_id) stands, and its envelope and signatures with it.
insert into cutter_governance.cut_change_set
  (source_document_id, source_version_id, run_id, review_decision_id, payload_sha, from_digest, to_digest, unit_count)
values ($1, $2, $3, $4, $5, $6, $7, $8)
returning id::text as id;
