-- Soft: the row stays and counts one revision more, also when it was deleted before; reading answers 404 from now on.
update public.kb_document
set deleted_at = coalesce(deleted_at, now()), updated_at = now(),
    data = jsonb_set(data, '{revision}', to_jsonb((data ->> 'revision')::integer + 1))
where key = $1
returning data ->> 'revision' as revision;
