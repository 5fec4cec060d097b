-- A second table named unit_version, the function gates, and rows of others that a cut must never change
-- (sandbox and tests only). Role: workflow_admin.
-- Landed when: select count(*) from sandbox_tac.unit_version gives 3.
create schema sandbox_tac;
create table sandbox_tac.unit_version (
  id integer primary key,
  unit_code text not null,
  version_no integer not null,
  body text not null
);
insert into sandbox_tac.unit_version (id, unit_code, version_no, body) values
  (1, 'TAC-1', 1, 'not the unit_version you look for'),
  (2, 'TAC-1', 2, 'schema-qualify every name'),
  (3, 'TAC-2', 1, 'a decoy');

insert into public.dot_config (key, value) values
  ('iu_cutter.create', 'on'),
  ('iu_cutter.enact', 'on'),
  ('site.title', 'an ordinary line of the business');

-- one document cut long ago by somebody else: three units, enacted
insert into cutter_governance.source_document_registry (id, kb_document_id, doc_code, title, registered_by) values
  ('5a0d0000-0000-4000-8000-000000000001', 'knowledge/other/office-handbook.md', 'office-handbook', 'Office handbook', 'workflow_admin');
insert into cutter_governance.source_document_version_registry
  (id, source_document_id, version_no, kb_revision, sha256, byte_length, registered_by) values
  ('5a0d0000-0000-4000-8000-000000000002', '5a0d0000-0000-4000-8000-000000000001', 1, 1,
    encode(sha256(convert_to('# Office' || chr(10) || '## Keys' || chr(10) || '## Lights' || chr(10), 'UTF8')), 'hex'), 27, 'workflow_admin');
insert into public.information_unit
  (id, canonical_address, doc_code, parent, unit_kind, ordinal, lifecycle_state, content_sha256, created_by_run, last_run_id)
select seed.id, seed.address, 'office-handbook', seed.parent, 'section', seed.ordinal, 'enacted',
  encode(sha256(convert_to(seed.body, 'UTF8')), 'hex'), 'office-2025', 'office-2025'
from (values
  ('5a0d0000-0000-4000-8000-000000000011'::uuid, 'office-handbook/office', null::uuid, 0, '# Office' || chr(10)),
  ('5a0d0000-0000-4000-8000-000000000012', 'office-handbook/office/keys', '5a0d0000-0000-4000-8000-000000000011', 1, '## Keys' || chr(10)),
  ('5a0d0000-0000-4000-8000-000000000013', 'office-handbook/office/lights', '5a0d0000-0000-4000-8000-000000000011', 2, '## Lights' || chr(10))
) as seed (id, address, parent, ordinal, body)
order by seed.ordinal;
insert into public.unit_version
  (id, unit_id, version_no, body, body_sha256, heading_path, byte_start, byte_end, source_version_id, run_id, idempotency_key, created_by)
select seed.id, seed.unit_id, 1, seed.body, encode(sha256(convert_to(seed.body, 'UTF8')), 'hex'), seed.heading_path,
  seed.byte_start, seed.byte_start + octet_length(seed.body), '5a0d0000-0000-4000-8000-000000000002',
  'office-2025', 'office-2025:' || seed.ordinal, 'workflow_admin'
from (values
  ('5a0d0000-0000-4000-8000-000000000021'::uuid, '5a0d0000-0000-4000-8000-000000000011'::uuid, 0, '# Office' || chr(10), 'Office', 0),
  ('5a0d0000-0000-4000-8000-000000000022', '5a0d0000-0000-4000-8000-000000000012', 1, '## Keys' || chr(10), 'Office > Keys', 9),
  ('5a0d0000-0000-4000-8000-000000000023', '5a0d0000-0000-4000-8000-000000000013', 2, '## Lights' || chr(10), 'Office > Lights', 17)
) as seed (id, unit_id, ordinal, body, heading_path, byte_start);
update public.information_unit u set current_version_id = v.id
  from public.unit_version v where v.unit_id = u.id;
insert into public.iu_lifecycle_log (unit_id, from_state, to_state, run_id, idempotency_key, actor)
select id, 'draft', 'enacted', 'office-2025', 'office-2025:enact:' || ordinal, 'workflow_admin'
from public.information_unit order by ordinal;
