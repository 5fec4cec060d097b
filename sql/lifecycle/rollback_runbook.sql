-- Emergency revert of one run: the units it created are retired, their identities stay. Never run by itself: it takes a signed REVERT.
-- Role: the revert principal. Locks: the rows of the units created by the run.
-- Needs cutter.run_id set in the same transaction: select set_config('cutter.run_id', '<run_id>', true);
-- Holds no transaction statement, removes nothing, may be applied again: a second application finds nothing left to do.
-- Refuses, by an error that names why, when the run is unknown, when a unit moved since, or when the run gave a new version to a unit
-- that was there before (its parent, kind and ordinal are not kept per version, so the way back is not exact).
-- Landed when: the last query answers still_standing = 0.

-- 1. Nobody else moves these units until this transaction ends.
select count(*) as units_locked
from (
  select u.id
  from public.information_unit u
  where u.created_by_run = current_setting('cutter.run_id')
  order by u.id
  for update
) locked;

-- 2. Refuse: the cast of a problem's name to a number is the error that carries it.
with problem as materialized (
  select 'REVERT_RUN_UNKNOWN ' || current_setting('cutter.run_id') as name
  where not exists (select 1 from public.unit_version v where v.run_id = current_setting('cutter.run_id'))
  union all
  select 'REVERT_UNIT_MOVED_SINCE ' || u.canonical_address
  from public.information_unit u
  left join public.unit_version v on v.id = u.current_version_id
  where u.created_by_run = current_setting('cutter.run_id')
    and (u.last_run_id <> u.created_by_run or v.run_id is distinct from u.created_by_run
      or u.content_sha256 is distinct from v.body_sha256)
  union all
  select 'REVERT_UNIT_WAS_THERE_BEFORE ' || u.canonical_address
  from public.unit_version v
  join public.information_unit u on u.id = v.unit_id
  where v.run_id = current_setting('cutter.run_id') and v.version_no > 1
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
)
select cast(problem.name as integer) as refused from problem order by problem.name limit 1;

-- 3. Say so in the append-only log, once per unit.
insert into public.iu_lifecycle_log (unit_id, from_state, to_state, run_id, idempotency_key)
select u.id, u.lifecycle_state, 'retired', u.created_by_run, u.created_by_run || ':revert:' || u.ordinal
from public.information_unit u
where u.created_by_run = current_setting('cutter.run_id') and u.lifecycle_state <> 'retired'
order by u.ordinal;

-- 4. Retire.
update public.information_unit u
set lifecycle_state = 'retired', updated_at = now()
where u.created_by_run = current_setting('cutter.run_id') and u.lifecycle_state <> 'retired';

-- 5. Prove it: what still stands, and one log row per unit.
select
  count(*) as units_of_run,
  count(*) filter (where u.lifecycle_state <> 'retired') as still_standing,
  count(l.id) as reverts_logged
from public.information_unit u
left join public.iu_lifecycle_log l on l.idempotency_key = u.created_by_run || ':revert:' || u.ordinal
where u.created_by_run = current_setting('cutter.run_id');
