-- Overwrites an existing document if its revision is still the caller's ($6; null: whatever it is); absent parts stay.
update public.document
set parent_id = coalesce($2, parent_id), mime_type = coalesce($3, mime_type), body = coalesce($4, body),
    metadata = metadata || coalesce($5::jsonb, '{}'::jsonb), revision = revision + 1, updated_at = now()
where storage_key = $1 and deleted_at is null and ($6::integer is null or revision = $6)
returning document_id, revision;
