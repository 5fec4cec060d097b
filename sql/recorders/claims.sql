-- Other runs' durable claims on a document: their SG_1 rows, and how far each came. Role: context_pack_readonly. Locks: access share.
-- In: $1 source document, $2 the run that asks.
select d.run_id, d.id::text as review_decision_id,
  (select count(*)::integer from public.information_unit u where u.doc_code = r.doc_code and u.created_by_run = d.run_id) as units_created,
  (select count(*)::integer from public.information_unit u where u.doc_code = r.doc_code and u.created_by_run = d.run_id and u.lifecycle_state = 'enacted') as units_enacted,
  (select count(*)::integer from public.information_unit u where u.doc_code = r.doc_code and u.created_by_run = d.run_id and u.lifecycle_state = 'retired') as units_retired,
  exists (
    select 1 from cutter_governance.review_decision v
    where v.source_document_id = d.source_document_id and v.run_id = d.run_id and v.gate = 'SG_3' and v.decision = 'void'
  ) as voided
from cutter_governance.review_decision d
join cutter_governance.source_document_registry r on r.id = d.source_document_id
where d.source_document_id = $1::uuid and d.gate = 'SG_1' and d.run_id <> $2
order by d.recorded_at, d.id;
