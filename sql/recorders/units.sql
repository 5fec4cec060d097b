-- What leg A of a run left: one row per unit version of the run, in the order of ordinals. The digest is of the stored bytes, not the
-- recorded column. Role: context_pack_readonly. Locks: access share. In: $1 knowledge base id, $2 run id.
select v.idempotency_key, u.canonical_address as address, u.doc_code, p.canonical_address as parent, u.unit_kind as kind, u.ordinal,
  v.heading_path, v.byte_start::float8 as byte_start, v.byte_end::float8 as byte_end, v.body_sha256, v.source_version_id::text as source_version_id,
  u.id::text as unit_id, v.id::text as version_id, v.version_no, encode(sha256(convert_to(v.body, 'UTF8')), 'hex') as stored_body_sha256,
  u.current_version_id = v.id as is_current, u.lifecycle_state, v.created_by, u.created_by_run
from cutter_governance.source_document_registry r
join public.information_unit u on u.doc_code = r.doc_code
join public.unit_version v on v.unit_id = u.id
left join public.information_unit p on p.id = u.parent
where r.kb_document_id = $1 and v.run_id = $2
order by u.ordinal, v.version_no;
