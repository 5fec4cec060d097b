-- One document that is not deleted.
select document_id, parent_id, mime_type, body, metadata, revision from public.document
where storage_key = $1 and deleted_at is null;
