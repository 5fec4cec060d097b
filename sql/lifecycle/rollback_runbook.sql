-- Emergency revert of one run: the units it created are retired, their identities stay. Never run by itself: it takes a signed REVERT.
-- Role: the revert principal (rights: sql/grants/cutter_revert.sql). Locks: the document's transaction lock, then the rows of the run's units.
-- Needs cutter.run_id set in the same transaction (cutter revert --render puts that line before this text), and may be given
-- cutter.review_decision_id, the UUID of the REVERT, which then stands in the log.
-- Holds no transaction statement, removes nothing, may be applied again: a second application finds nothing left to do.
-- Refuses, by an error that names why, when the run is unknown, when a unit moved since, or when the run gave a new version to a unit
-- that was there before (its parent, kind and ordinal are not kept per version, so the way back is not exact).
-- Pointers: a unit made by the run has no earlier version to point back to; it keeps its own, retired, so that its identity can be read for ever.
-- Landed when: the last query answers still_standing = 0 and reverts_logged = units_of_run.

-- 1. A writer of this document that nobody sees any more has ended before we look; it is found by the run's decision, which stands before any unit.
select count(pg_advisory_xact_lock(hashtextextended('cutter.document:' || d.kb_document_id, 0))) as documents_locked
from cutter_governance.source_document_registry d
where d.id in (select r.source_document_id from cutter_governance.review_decision r where r.run_id = current_setting('cutter.run_id'));

-- 2. Nobody else moves these units, gives them a version or a child until this transaction ends.
select count(*) as units_locked
from (
  select u.id
  from public.information_unit u
  where u.created_by_run = current_setting('cutter.run_id')
  order by u.id
  for update
) locked;

-- 3. Refuse: the cast of a problem's name to a number is the error that carries it.
with problem as materialized (
  select 'REVERT_RUN_UNKNOWN ' || current_setting('cutter.run_id') as name
  where not exists (select 1 from public.unit_version v where v.run_id = current_setting('cutter.run_id'))
  union all
  select 'REVERT_UNIT_WAS_THERE_BEFORE ' || u.canonical_address
  from public.unit_version v
  join public.information_unit u on u.id = v.unit_id
  where v.run_id = current_setting('cutter.run_id') and (v.version_no > 1 or u.created_by_run <> v.run_id)
  union all
  select 'REVERT_UNIT_ENACTED_BY_OTHERS ' || u.canonical_address
  from public.information_unit u
  join public.iu_lifecycle_log l on l.unit_id = u.id
  where u.created_by_run = current_setting('cutter.run_id') and l.run_id <> u.created_by_run
  union all
  select 'REVERT_UNIT_HAS_FOREIGN_CHILD ' || child.canonical_address
  from public.information_unit child
  join public.information_unit u on u.id = child.parent
  where u.created_by_run = current_setting('cutter.run_id') and child.created_by_run <> u.created_by_run
  union all
  select 'REVERT_UNIT_MOVED_SINCE ' || u.canonical_address
  from public.information_unit u
  left join public.unit_version v on v.id = u.current_version_id
  where u.created_by_run = current_setting('cutter.run_id')
    and (u.last_run_id <> u.created_by_run
      or v.unit_id is distinct from u.id
      or v.run_id is distinct from u.created_by_run
      or v.body_sha256 is distinct from encode(sha256(convert_to(v.body, 'UTF8')), 'hex')
      or u.content_sha256 is distinct from v.body_sha256
      or exists (select 1 from public.unit_version other where other.unit_id = u.id and other.run_id <> u.created_by_run)
      -- the state must be where the log leads: each entry goes on from the one before, and the last is where the unit stands
      or u.lifecycle_state not in (select 'draft' where not exists (select 1 from public.iu_lifecycle_log l where l.unit_id = u.id)
        union all
        select l.to_state from public.iu_lifecycle_log l where l.unit_id = u.id
          and not exists (select 1 from public.iu_lifecycle_log later where later.unit_id = u.id and later.from_state = l.to_state and later.id <> l.id)))
)
select cast(problem.name as integer) as refused from problem order by problem.name collate "C" limit 1;

-- 4. Say so in the append-only log, once per unit.
insert into public.iu_lifecycle_log (unit_id, from_state, to_state, run_id, review_decision_id, idempotency_key)
select u.id, u.lifecycle_state, 'retired', u.created_by_run,
  nullif(current_setting('cutter.review_decision_id', true), '')::uuid,
  u.created_by_run || ':revert:' || u.ordinal
from public.information_unit u
where u.created_by_run = current_setting('cutter.run_id') and u.lifecycle_state <> 'retired'
order by u.ordinal;

-- 5. Retire.
update public.information_unit u
set lifecycle_state = 'retired', updated_at = now()
where u.created_by_run = current_setting('cutter.run_id') and u.lifecycle_state <> 'retired';

-- 6. Prove it: what still stands, and one log row per unit.
select
  count(*) as units_of_run,
  count(*) filter (where u.lifecycle_state <> 'retired') as still_standing,
  count(l.id) as reverts_logged
from public.information_unit u
left join public.iu_lifecycle_log l on l.unit_id = u.id and l.idempotency_key = u.created_by_run || ':revert:' || u.ordinal
where u.created_by_run = current_setting('cutter.run_id');
