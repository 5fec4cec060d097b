-- Governance records of a cut (sandbox and tests only; columns are ours).
-- Role: workflow_admin. DQ_6: one review decision per (document, phase, run), enforced here by a unique key.
-- Landed when: select count(*) from pg_tables where schemaname = 'cutter_governance' gives 7.
create schema cutter_governance;

create table cutter_governance.source_document_registry (
  id uuid primary key default gen_random_uuid(),
  kb_document_id text not null unique,
  doc_code text not null unique,
  title text not null,
  registered_by text not null default session_user,
  registered_at timestamptz not null default now()
);

create table cutter_governance.source_document_version_registry (
  id uuid primary key default gen_random_uuid(),
  source_document_id uuid not null references cutter_governance.source_document_registry (id),
  version_no integer not null check (version_no > 0),
  kb_revision integer not null check (kb_revision > 0),
  sha256 text not null check (sha256 ~ '^[0-9a-f]{64}$'),
  byte_length bigint not null check (byte_length > 0),
  registered_by text not null default session_user,
  registered_at timestamptz not null default now(),
  unique (source_document_id, version_no),
  unique (source_document_id, kb_revision, sha256)
);

create table cutter_governance.review_decision (
  id uuid primary key,
  source_document_id uuid not null references cutter_governance.source_document_registry (id),
  phase text not null check (phase in ('cut_leg_a', 'lifecycle_enact', 'void')),
  gate text not null check (gate in ('SG_1', 'SG_2', 'SG_3')),
  run_id text not null,
  decision text not null check (decision in ('approve', 'void')),
  payload_sha text not null check (payload_sha ~ '^[0-9a-f]{64}$'),
  approval_kb_id text not null,
  approval_sha256 text not null check (approval_sha256 ~ '^[0-9a-f]{64}$'),
  recorded_by text not null default session_user,
  recorded_at timestamptz not null default now(),
  unique (source_document_id, phase, run_id),
  check ((gate = 'SG_1') = (phase = 'cut_leg_a')),
  check ((gate = 'SG_3') = (phase = 'void')),
  check ((gate = 'SG_3') = (decision = 'void'))
);
comment on column cutter_governance.review_decision.id is 'issued by the sovereign, never made here';

create table cutter_governance.cut_change_set (
  id uuid primary key default gen_random_uuid(),
  source_document_id uuid not null references cutter_governance.source_document_registry (id),
  source_version_id uuid not null references cutter_governance.source_document_version_registry (id),
  run_id text not null,
  review_decision_id uuid not null unique references cutter_governance.review_decision (id),
  payload_sha text not null check (payload_sha ~ '^[0-9a-f]{64}$'),
  from_digest text not null check (from_digest ~ '^[0-9a-f]{64}$'),
  to_digest text not null check (to_digest ~ '^[0-9a-f]{64}$'),
  unit_count integer not null check (unit_count > 0),
  recorded_by text not null default session_user,
  recorded_at timestamptz not null default now(),
  unique (source_document_id, run_id)
);

create table cutter_governance.manifest_envelope (
  id uuid primary key default gen_random_uuid(),
  change_set_id uuid not null unique references cutter_governance.cut_change_set (id),
  run_id text not null,
  manifest text not null,
  manifest_sha256 text not null check (manifest_sha256 ~ '^[0-9a-f]{64}$'),
  recorded_by text not null default session_user,
  recorded_at timestamptz not null default now(),
  check (encode(sha256(convert_to(manifest, 'UTF8')), 'hex') = manifest_sha256)
);

create table cutter_governance.dot_pair_signature (
  id uuid primary key default gen_random_uuid(),
  change_set_id uuid not null references cutter_governance.cut_change_set (id),
  run_id text not null,
  signer_role text not null check (signer_role in ('sovereign', 'architect')),
  key_fingerprint text not null check (key_fingerprint ~ '^[0-9A-F]{40}$'),
  signature_sha256 text not null check (signature_sha256 ~ '^[0-9a-f]{64}$'),
  approval_kb_id text not null,
  recorded_by text not null default session_user,
  recorded_at timestamptz not null default now(),
  unique (change_set_id, signer_role, approval_kb_id)
);

create table cutter_governance.verify_result (
  id uuid primary key default gen_random_uuid(),
  change_set_id uuid not null references cutter_governance.cut_change_set (id),
  run_id text not null,
  verdict text not null check (verdict in ('pass', 'fail')),
  units_checked integer not null check (units_checked >= 0),
  to_digest text not null check (to_digest ~ '^[0-9a-f]{64}$'),
  verified_by text not null default session_user,
  verified_at timestamptz not null default now(),
  unique (change_set_id, run_id)
);
