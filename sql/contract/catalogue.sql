-- What the database has of the objects the contract names, in the contract's own shape, as one jsonb.
-- Role: any login (catalogues only). Locks: none. search_path must be pg_catalog, so that every type is qualified.
-- In: setting cutter.contract, the contract as JSON.
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
            select n.nspname || '.' || r.relname from pg_class r join pg_namespace n on n.oid = r.relnamespace where r.oid = con.confrelid) end
        ) as key
        from pg_constraint con where con.conrelid = c.oid and con.contype in ('p', 'u', 'f')
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
)
select jsonb_build_object(
  'tables', (select coalesce(jsonb_agg(item order by position), '[]') from found_table),
  'functions', (select coalesce(jsonb_agg(item order by position, oid), '[]') from found_function),
  'rights', (select coalesce(jsonb_agg(item order by position), '[]') from found_right)
) as catalogue;
