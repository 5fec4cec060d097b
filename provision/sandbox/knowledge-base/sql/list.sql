-- All documents below a prefix, by id in byte order; no paging, as in production.
select data - 'content' as data from public.kb_document
where deleted_at is null and starts_with(data ->> 'document_id', $1)
order by data ->> 'document_id' collate "C";
