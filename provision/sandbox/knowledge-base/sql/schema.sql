-- The knowledge base's one table, in its own database; run at the server's first request, may be repeated.
-- storage_key is the id with every / turned into __, so that a/b and a__b are one document, as in production.
create table if not exists public.document (
  storage_key text primary key,
  document_id text not null,
  parent_id text not null,
  mime_type text not null,
  body text not null,
  metadata jsonb not null,
  revision integer not null check (revision >= 1),
  deleted_at timestamptz,
  updated_at timestamptz not null
);
