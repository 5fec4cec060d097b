-- What lifecycle_enact of a run left, in the order of ordinals. Role: context_pack_readonly. Locks: access share. In: $1 knowledge base id,
-- $2 run id.
select l.idempotency_key, u.canonical_address as address, l.from_state, l.to_state, l.review_decision_id::text as review_decision_id, l.actor
from cutter_governance.source_document_registry r
join public.information_unit u on u.doc_code = r.doc_code
join public.iu_lifecycle_log l on l.unit_id = u.id
where r.kb_document_id = $1 and l.run_id = $2 and l.to_state = 'enacted'
order by u.ordinal, l.idempotency_key collate "C";
