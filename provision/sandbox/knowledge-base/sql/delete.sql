-- Soft: the row stays, so that the id's history can be looked at; reading answers 404 from now on.
update public.document set deleted_at = now(), updated_at = now()
where storage_key = $1 and deleted_at is null
returning document_id, revision;
