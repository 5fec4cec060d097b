-- The knowledge base's one table, in its own database; run at the server's first request, may be repeated.
-- key is the id with every / turned into __, so that a/b and a__b are one document, as in production. data is the whole document as the API
-- keeps it: whatever an older version left in it, also without a revision, is a row all the same.
create table if not exists public.kb_document (
  key text primary key,
  data jsonb not null,
  deleted_at timestamptz,
  updated_at timestamptz not null
);
