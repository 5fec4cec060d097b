-- One document with the time of its deletion, if it was deleted.
select data, deleted_at is not null as deleted from public.kb_document where key = $1;
