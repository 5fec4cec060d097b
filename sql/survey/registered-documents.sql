-- Every registered source document with its newest version and how many units the database holds of it.
-- Role: context_pack_readonly. Locks: none.
select d.kb_document_id as document_id, d.doc_code, v.sha256 as registered_sha256,
  (select count(*)::integer from public.information_unit u where u.doc_code = d.doc_code) as units_there
from cutter_governance.source_document_registry d
join lateral (
  select r.sha256 from cutter_governance.source_document_version_registry r
  where r.source_document_id = d.id order by r.version_no desc limit 1
) v on true
order by d.kb_document_id;
