-- Puts a whole document there; one that stood there, deleted or written by another process just now, is gone.
insert into public.kb_document (key, data, updated_at)
values ($1, $2::jsonb, now())
on conflict (key) do update set data = excluded.data, deleted_at = null, updated_at = now();
