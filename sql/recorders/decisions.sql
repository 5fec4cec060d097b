-- The decision rows of one run on one document. Role: context_pack_readonly. Locks: access share. In: $1 source document, $2 run id.
select d.id::text as id, d.source_document_id::text as source_document_id, d.phase, d.gate, d.run_id, d.decision, d.payload_sha, d.approval_kb_id, d.approval_sha256
from cutter_governance.review_decision d
where d.source_document_id = $1::uuid and d.run_id = $2
order by d.recorded_at, d.id;
