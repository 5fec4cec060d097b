-- The rows this document touches, for from_digest: its units, versions and lifecycle, whoever holds a planned address,
-- and its registry rows. Rows of others do not count, nor do governance records of a run.
-- Role: context_pack_readonly. Locks: access share. The digest is the sha256 of these bytes.
-- In: settings cutter.document_id, cutter.planned_addresses (document-settings.sql). One line per row, canonical order.
copy (
  with registered as (
    select id, kb_document_id, doc_code, title, registered_by, registered_at
    from cutter_governance.source_document_registry
    where kb_document_id = current_setting('cutter.document_id')
  ),
  planned as materialized (
    select distinct unnest(current_setting('cutter.planned_addresses')::text[]) as address
  ),
  unit as materialized (
    select u.id, u.canonical_address, u.doc_code, u.parent, u.unit_kind, u.ordinal, u.lifecycle_state, u.current_version_id,
      u.content_sha256, u.created_by_run, u.last_run_id
    from public.information_unit u
    where u.id in (
      select d.id from public.information_unit d where d.doc_code in (select doc_code from registered)
      union
      select a.id from planned p join public.information_unit a on a.canonical_address = p.address
    )
  )
  select part, line from (
    select 1 as part, id::text as key,
      jsonb_build_array('document', id, kb_document_id, doc_code, title, registered_by, registered_at)::text as line
    from registered
    union all
    select 2, v.id::text,
      jsonb_build_array('source_version', v.id, v.source_document_id, v.version_no, v.kb_revision, v.sha256, v.byte_length,
        v.registered_by, v.registered_at)::text
    from cutter_governance.source_document_version_registry v
    where v.source_document_id in (select id from registered)
    union all
    select 3, id::text,
      jsonb_build_array('unit', id, canonical_address, doc_code, parent, unit_kind, ordinal, lifecycle_state, current_version_id,
        content_sha256, created_by_run, last_run_id)::text
    from unit
    union all
    select 4, v.id::text,
      jsonb_build_array('version', v.id, v.unit_id, v.version_no, encode(sha256(convert_to(v.body, 'UTF8')), 'hex'), v.body_sha256,
        v.heading_path, v.byte_start, v.byte_end, v.source_version_id, v.run_id, v.idempotency_key, v.created_by)::text
    from public.unit_version v
    where v.unit_id in (select id from unit)
    union all
    select 5, l.id::text,
      jsonb_build_array('lifecycle', l.id, l.unit_id, l.from_state, l.to_state, l.run_id, l.review_decision_id, l.idempotency_key,
        l.actor, l.at)::text
    from public.iu_lifecycle_log l
    where l.unit_id in (select id from unit)
  ) as rows
  order by part, key collate "C"
) to stdout
