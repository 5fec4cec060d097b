-- What leg B of a run left: change set, envelope and signatures of one transaction. Role: context_pack_readonly. Locks: access share.
-- In: $1 source document, $2 run id. No row: nothing was recorded.
select c.id::text as change_set_id, c.source_document_id::text as source_document_id, c.source_version_id::text as source_version_id, c.run_id,
  c.review_decision_id::text as review_decision_id, c.payload_sha, c.from_digest, c.to_digest, c.unit_count, c.recorded_by,
  e.manifest, e.manifest_sha256,
  coalesce((
    select jsonb_agg(jsonb_build_object('signerRole', s.signer_role, 'keyFingerprint', s.key_fingerprint, 'signatureSha256', s.signature_sha256, 'approvalKbId', s.approval_kb_id)
      order by s.signer_role collate "C", s.approval_kb_id collate "C")
    from cutter_governance.dot_pair_signature s where s.change_set_id = c.id
  ), '[]'::jsonb) as signatures
from cutter_governance.cut_change_set c
left join cutter_governance.manifest_envelope e on e.change_set_id = c.id
where c.source_document_id = $1::uuid and c.run_id = $2;
