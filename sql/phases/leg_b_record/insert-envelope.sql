-- The manifest of a change set, in the same transaction. Role: the governance principal. Locks: row exclusive.
insert into cutter_governance.manifest_envelope (change_set_id, run_id, manifest, manifest_sha256) values ($1, $2, $3, $4);
