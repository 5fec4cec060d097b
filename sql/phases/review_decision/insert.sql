-- The decision row of SG_1, SG_2, or an SG_3 that gives a run up. Its id is the sovereign's: the primary key reserves it.
-- Role: the governance principal. Locks: row exclusive. Landed when: a row of this id stands, with these values.
insert into cutter_governance.review_decision
  (id, source_document_id, phase, gate, run_id, decision, payload_sha, approval_kb_id, approval_sha256)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9);
