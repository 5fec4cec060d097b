-- The verifier's record. The database itself refuses it to a login that wrote the units or the change set.
-- Role: cutter_verify. Locks: row exclusive. Landed when: one row of (change_set_id, run_id) stands.
insert into cutter_governance.verify_result (change_set_id, run_id, verdict, units_checked, to_digest) values ($1, $2, $3, $4, $5);
