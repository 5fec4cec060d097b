-- Registers one revision of one source document. Role: workflow_admin. Variables: kb_id, doc_code, title, revision, sha256, byte_length.
-- May be repeated for the same revision and digest: the second time changes nothing.
begin;
set local lock_timeout = '5s';
set local statement_timeout = '10s';
insert into cutter_governance.source_document_registry (kb_document_id, doc_code, title)
values (:'kb_id', :'doc_code', :'title')
on conflict (kb_document_id) do update set title = excluded.title;
insert into cutter_governance.source_document_version_registry (source_document_id, version_no, kb_revision, sha256, byte_length)
select d.id, 1 + coalesce(max(v.version_no), 0), :revision, :'sha256', :byte_length
from cutter_governance.source_document_registry d
left join cutter_governance.source_document_version_registry v on v.source_document_id = d.id
where d.kb_document_id = :'kb_id'
group by d.id
on conflict (source_document_id, kb_revision, sha256) do nothing;
commit;
