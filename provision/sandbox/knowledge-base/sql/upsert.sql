-- Creates or overwrites in one statement: revision + 1, or 1 when the document was new or deleted.
insert into public.document as d (storage_key, document_id, parent_id, mime_type, body, metadata, revision, updated_at)
values ($1, $2, $3, $4, $5, $6::jsonb, 1, now())
on conflict (storage_key) do update
set document_id = excluded.document_id, parent_id = excluded.parent_id, mime_type = excluded.mime_type, body = excluded.body,
    metadata = excluded.metadata, revision = case when d.deleted_at is null then d.revision + 1 else 1 end, deleted_at = null, updated_at = now()
returning d.document_id, d.revision;
