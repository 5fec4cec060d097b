-- Information units, their versions and their lifecycle (sandbox and tests only; columns are ours).
-- Role: workflow_admin. Locks: none that matter on a fresh database.
-- Landed when: select count(*) from public.information_unit answers.
create table public.dot_config (
  key text primary key,
  value text not null
);

create table public.information_unit (
  id uuid primary key default gen_random_uuid(),
  canonical_address text not null unique,
  doc_code text not null,
  parent uuid references public.information_unit (id),
  unit_kind text not null check (unit_kind in ('document', 'preamble', 'section')),
  ordinal integer not null check (ordinal >= 0),
  lifecycle_state text not null default 'draft'
    check (lifecycle_state in ('draft', 'review', 'enacted', 'superseded', 'retired')),
  current_version_id uuid,
  content_sha256 text not null check (content_sha256 ~ '^[0-9a-f]{64}$'),
  created_by_run text not null,
  last_run_id text not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index information_unit_doc_code_idx on public.information_unit (doc_code, ordinal);

create table public.unit_version (
  id uuid primary key default gen_random_uuid(),
  unit_id uuid not null references public.information_unit (id),
  version_no integer not null check (version_no > 0),
  body text not null,
  body_sha256 text not null check (body_sha256 ~ '^[0-9a-f]{64}$'),
  heading_path text not null,
  byte_start bigint not null check (byte_start >= 0),
  byte_end bigint not null,
  source_version_id uuid not null,
  run_id text not null,
  idempotency_key text not null unique,
  created_by text not null default session_user,
  created_at timestamptz not null default now(),
  unique (unit_id, version_no),
  check (byte_end >= byte_start)
);
comment on column public.unit_version.idempotency_key is 'recorder of fn_iu_create: one row per key';

alter table public.information_unit
  add constraint information_unit_current_version_id_fkey
  foreign key (current_version_id) references public.unit_version (id) deferrable initially deferred;

create table public.iu_lifecycle_log (
  id uuid primary key default gen_random_uuid(),
  unit_id uuid not null references public.information_unit (id),
  from_state text not null,
  to_state text not null,
  run_id text not null,
  review_decision_id uuid,
  idempotency_key text not null unique,
  actor text not null default session_user,
  at timestamptz not null default now()
);
create index iu_lifecycle_log_unit_id_idx on public.iu_lifecycle_log (unit_id);
comment on column public.iu_lifecycle_log.idempotency_key is 'recorder of fn_iu_enact: one row per key';
