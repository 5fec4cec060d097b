-- All documents below a prefix, by id in byte order; no paging, as in production.
select document_id, parent_id, metadata, revision from public.document
where deleted_at is null and starts_with(document_id, $1)
order by document_id collate "C";
