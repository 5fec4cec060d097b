-- Overwrites the named parts of a document, whatever became of it since it was read: the lock is the process's, not the database's.
update public.kb_document set data = data || $2::jsonb, updated_at = now() where key = $1;
