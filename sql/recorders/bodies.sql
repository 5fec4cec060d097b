-- The stored bodies of a run, a page at a time. Role: context_pack_readonly. Locks: access share.
-- In: $1 knowledge base id, $2 run id, $3 first ordinal, $4 ordinal behind the page.
select u.ordinal, v.body
from cutter_governance.source_document_registry r
join public.information_unit u on u.doc_code = r.doc_code
join public.unit_version v on v.unit_id = u.id
where r.kb_document_id = $1 and v.run_id = $2 and u.ordinal >= $3::integer and u.ordinal < $4::integer
order by u.ordinal;
