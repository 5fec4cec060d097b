-- The document's row and its newest version in the two source registries; no row when it is not registered.
-- Role: context_pack_readonly. Locks: none. In: $1 document id of the knowledge base.
select d.kb_document_id as document_id, d.doc_code, d.id::text as source_document_id, v.id::text as source_version_id,
  v.sha256 as registered_sha256, v.kb_revision as registered_revision
from cutter_governance.source_document_registry d
join cutter_governance.source_document_version_registry v on v.source_document_id = d.id
where d.kb_document_id = $1
order by v.version_no desc
limit 1;
