-- Who signed, in the same transaction. Role: the governance principal. Locks: row exclusive.
insert into cutter_governance.dot_pair_signature (change_set_id, run_id, signer_role, key_fingerprint, signature_sha256, approval_kb_id)
values ($1, $2, $3, $4, $5, $6);
