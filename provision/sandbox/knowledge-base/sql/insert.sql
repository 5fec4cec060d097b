-- Creates a document, or re-creates a deleted one at revision 1; no row means that the id is taken.
insert into public.document as d (storage_key, document_id, parent_id, mime_type, body, metadata, revision, updated_at)
values ($1, $2, $3, $4, $5, $6::jsonb, 1, now())
on conflict (storage_key) do update
set document_id = excluded.document_id, parent_id = excluded.parent_id, mime_type = excluded.mime_type, body = excluded.body,
    metadata = excluded.metadata, revision = 1, deleted_at = null, updated_at = now()
where d.deleted_at is not null
returning d.document_id, d.revision;
