-- What the database has of the objects the contract names, in the contract's own shape, as one jsonb.
-- Role: any login (catalogues only). Locks: none. search_path must be the pinned one, so that every type is qualified.
-- In: setting cutter.contract, the contract as JSON, with the settings that no role, database or server may have changed.
with contract as (
  select current_setting('cutter.contract')::jsonb as asked
),
asked_table as (
  select t.value ->> 'name' as name, t.position from contract, jsonb_array_elements(asked -> 'tables') with ordinality as t (value, position)
),
asked_function as (
  select f.value ->> 'name' as name, f.position from contract, jsonb_array_elements(asked -> 'functions') with ordinality as f (value, position)
),
asked_right as (
  select r.value as item, r.position from contract, jsonb_array_elements(asked -> 'rights') with ordinality as r (value, position)
),
found_table as (
  select t.position, jsonb_build_object(
    'name', t.name,
    'columns', (
      select coalesce(jsonb_agg(jsonb_build_object(
        'name', a.attname, 'type', format_type(a.atttypid, a.atttypmod), 'notNull', a.attnotnull,
        'hasDefault', a.atthasdef or a.attidentity <> '' or a.attgenerated <> '') order by a.attnum), '[]')
      from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped),
    'keys', (
      select coalesce(jsonb_agg(k.key order by k.key ->> 'kind', k.key -> 'columns'), '[]')
      from (
        select jsonb_build_object('kind', case con.contype when 'p' then 'primary' when 'u' then 'unique' else 'foreign' end,
          'columns', (select jsonb_agg(a.attname order by p.position)
            from unnest(con.conkey) with ordinality as p (attnum, position)
            join pg_attribute a on a.attrelid = c.oid and a.attnum = p.attnum),
          'references', case when con.contype = 'f' then (
            select n.nspname || '.' || r.relname from pg_class r join pg_namespace n on n.oid = r.relnamespace where r.oid = con.confrelid) end,
          'weak', (select coalesce(jsonb_agg(w.text order by w.position), '[]') from (values
            (1, to_jsonb(con) ->> 'conenforced' = 'false', 'not enforced'), -- a column since 18
            (2, not con.convalidated, 'not validated'),
            (3, not i.indisvalid, 'without a valid index'),
            (4, not i.indisready, 'with an index that is not kept up')) as w (position, holds, text)
            where w.holds)
        ) as key
        from pg_constraint con left join pg_index i on i.indexrelid = con.conindid
        where con.conrelid = c.oid and con.contype in ('p', 'u', 'f')
      ) as k)
  ) as item
  from asked_table t join pg_class c on c.oid = to_regclass(t.name) and c.relkind in ('r', 'p')
),
found_function as (
  select f.position, p.oid, jsonb_build_object(
    'name', f.name,
    'arguments', pg_get_function_arguments(p.oid),
    'returns', pg_get_function_result(p.oid),
    'language', l.lanname,
    'volatility', case p.provolatile when 'i' then 'immutable' when 's' then 'stable' else 'volatile' end,
    'securityDefiner', p.prosecdef,
    'owner', r.rolname,
    'settings', coalesce(to_jsonb(p.proconfig), '[]')
  ) as item
  from asked_function f
  join pg_namespace n on n.nspname = split_part(f.name, '.', 1)
  join pg_proc p on p.pronamespace = n.oid and p.proname = split_part(f.name, '.', 2)
  join pg_language l on l.oid = p.prolang
  join pg_roles r on r.oid = p.proowner
),
found_right as (
  select position, item || jsonb_build_object('held', coalesce(
    case
      when to_regrole(item ->> 'principal') is null then false
      when item ->> 'kind' = 'schema' then
        (select has_schema_privilege(item ->> 'principal', n.oid, item ->> 'privilege') from pg_namespace n where n.nspname = item ->> 'object')
      when item ->> 'kind' = 'table' then
        (select has_table_privilege(item ->> 'principal', c.oid, item ->> 'privilege') from pg_class c where c.oid = to_regclass(item ->> 'object'))
      when item ->> 'kind' = 'function' then
        (select bool_and(has_function_privilege(item ->> 'principal', p.oid, item ->> 'privilege'))
          from pg_proc p join pg_namespace n on n.oid = p.pronamespace
          where n.nspname = split_part(item ->> 'object', '.', 1) and p.proname = split_part(item ->> 'object', '.', 2))
    end, false)) as item
  from asked_right
),
asked_scope as (
  select name, position from asked_table
  union all
  select d.value, 1000 + d.position from contract, jsonb_array_elements_text(asked -> 'decoys') with ordinality as d (value, position)
),
scope as (
  select s.name, s.position, c.oid, c.relkind, c.relpersistence, c.relrowsecurity, c.relforcerowsecurity
  from asked_scope s join pg_class c on c.oid = to_regclass(s.name)
),
found_standing as ( -- what lies under the name, and whether anybody could be shown a part of it
  select position, jsonb_build_object(
    'name', name,
    'kind', case relkind when 'r' then 'table' when 'p' then 'partitioned table' when 'v' then 'view' when 'm' then 'materialized view'
      when 'f' then 'foreign table' else 'relation of kind ' || relkind::text end,
    'persistence', case relpersistence when 'p' then 'permanent' when 'u' then 'unlogged' else 'temporary' end,
    'relatives', (select coalesce(jsonb_agg(other::regclass::text order by other::regclass::text collate "C"), '[]')
      from pg_inherits i cross join lateral (values (i.inhparent), (i.inhrelid)) as pair (other)
      where scope.oid in (i.inhparent, i.inhrelid) and other <> scope.oid),
    'rowSecurity', relrowsecurity,
    'forced', relforcerowsecurity,
    'policies', (select coalesce(jsonb_agg(p.polname order by p.polname), '[]') from pg_policy p where p.polrelid = scope.oid)
  ) as item
  from scope
),
found_silent as ( -- triggers that are the server's own, such as those of a foreign key, and do not fire for a session of ours
  select position, t.tgname as name, jsonb_build_object('on', scope.name, 'constraint', coalesce(con.conname, t.tgname),
    'of', coalesce(on_table.nspname || '.' || on_table.relname, scope.name),
    'state', case t.tgenabled when 'D' then 'disabled' else 'for replicas only' end) as item
  from scope join asked_table using (name, position)
  join pg_trigger t on t.tgrelid = scope.oid and t.tgisinternal and t.tgenabled in ('D', 'R')
  left join pg_constraint con on con.oid = t.tgconstraint
  left join lateral (select n.nspname, r.relname from pg_class r join pg_namespace n on n.oid = r.relnamespace
    where r.oid = con.conrelid) on_table on true
),
found_firing as ( -- what runs beside a write: its own rows may go anywhere
  select position, 1 as part, t.tgname as name, jsonb_build_object(
    'on', scope.name, 'kind', 'trigger', 'name', t.tgname,
    'when', concat_ws(' ',
      case when t.tgtype & 2 <> 0 then 'before' when t.tgtype & 64 <> 0 then 'instead of' else 'after' end,
      concat_ws(' or ', case when t.tgtype & 4 <> 0 then 'insert' end, case when t.tgtype & 16 <> 0 then 'update' end,
        case when t.tgtype & 8 <> 0 then 'delete' end, case when t.tgtype & 32 <> 0 then 'truncate' end),
      case when t.tgtype & 1 <> 0 then 'for each row' else 'for each statement' end),
    'runs', n.nspname || '.' || f.proname) as item
  from scope
  join pg_trigger t on t.tgrelid = scope.oid and not t.tgisinternal and t.tgenabled <> 'D'
  join pg_proc f on f.oid = t.tgfoid
  join pg_namespace n on n.oid = f.pronamespace
  union all
  select position, 2, r.rulename, jsonb_build_object('on', scope.name, 'kind', 'rule', 'name', r.rulename,
    'when', concat_ws(' ', 'on', case r.ev_type when '1' then 'select' when '2' then 'update' when '3' then 'insert' else 'delete' end,
      case when r.is_instead then 'instead' end),
    'runs', null)
  from scope join pg_rewrite r on r.ev_class = scope.oid and r.ev_enabled <> 'D' and scope.relkind not in ('v', 'm')
  union all
  select 0, 3, e.evtname, jsonb_build_object('on', 'database ' || current_database()::text, 'kind', 'event trigger', 'name', e.evtname,
    'when', 'at ' || e.evtevent, 'runs', n.nspname || '.' || f.proname)
  from pg_event_trigger e join pg_proc f on f.oid = e.evtfoid join pg_namespace n on n.oid = f.pronamespace
  where e.evtenabled <> 'D' and e.evtevent = 'login' -- the others fire on definitions, and no statement of ours defines anything
),
asked_setting as (
  select s.key as name, s.value from contract, jsonb_each_text(asked -> 'settings') as s
),
found_setting as (
  select jsonb_build_object('name', s.name, 'expected', s.value, 'found', split_part(c.text, '=', 2),
    'of', concat_ws(' in ', case when d.setrole <> 0 then 'role ' || d.setrole::regrole::text end,
      case when d.setdatabase <> 0 then 'database ' || current_database()::text
        when d.setrole <> 0 then 'every database' else 'every role' end)) as item
  from pg_db_role_setting d
  cross join unnest(d.setconfig) as c (text)
  join asked_setting s on s.name = split_part(c.text, '=', 1) and lower(s.value) <> lower(split_part(c.text, '=', 2))
  where d.setdatabase in (0, (select oid from pg_database where datname = current_database()))
    and (d.setrole = 0 or d.setrole in (select r.oid from asked_right a join pg_roles r on r.rolname = a.item ->> 'principal'))
  union all
  select jsonb_build_object('name', s.name, 'expected', s.value, 'found', p.reset_val, 'of', 'the server, by its ' || p.source)
  from asked_setting s join pg_settings p on p.name = s.name
  where p.source not in ('default', 'override', 'database', 'user', 'database user', 'client', 'session', 'global')
    and lower(p.reset_val) <> lower(s.value)
)
select jsonb_build_object(
  'tables', (select coalesce(jsonb_agg(item order by position), '[]') from found_table),
  'functions', (select coalesce(jsonb_agg(item order by position, oid), '[]') from found_function),
  'rights', (select coalesce(jsonb_agg(item order by position), '[]') from found_right),
  'standing', (select coalesce(jsonb_agg(item order by position), '[]') from found_standing),
  'silent', (select coalesce(jsonb_agg(item order by position, name collate "C"), '[]') from found_silent),
  'firing', (select coalesce(jsonb_agg(item order by position, part, name collate "C"), '[]') from found_firing),
  'settings', (select coalesce(jsonb_agg(item order by item ->> 'name', item ->> 'of'), '[]') from found_setting)
) as catalogue;
