-- Which of the asked roles may not see every row of which table, as the catalogues say: before an approval is spent on what they see.
-- One line of JSON. Role: any login (catalogues only). Locks: none. In: setting cutter.asked, {"roles": [...], "tables": [...]} as JSON.
-- A role sees all of a table with row security if it is a superuser, has BYPASSRLS, or holds the owner's rights and it is not forced.
with asked as (
  select current_setting('cutter.asked')::jsonb as value
),
role as (
  select r.oid, r.rolname, r.rolsuper or r.rolbypassrls as exempt
  from asked, jsonb_array_elements_text(value -> 'roles') as name
  join pg_catalog.pg_roles r on r.rolname = name
),
scope as (
  select name, c.oid, c.relkind, c.relowner, c.relrowsecurity, c.relforcerowsecurity
  from asked, jsonb_array_elements_text(value -> 'tables') as name
  join pg_catalog.pg_namespace n on n.nspname = split_part(name, '.', 1)
  join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = split_part(name, '.', 2)
)
select jsonb_build_object(
  'in_recovery', pg_is_in_recovery(),
  'hidden', (
    select coalesce(jsonb_agg(jsonb_build_object('role', role.rolname, 'table', scope.name,
      'why', case when scope.relkind <> 'r' then 'not an ordinary table' else 'row security' end) order by scope.name, role.rolname), '[]')
    from scope cross join role
    where scope.relkind <> 'r'
      or scope.relrowsecurity and not role.exempt
        and (scope.relforcerowsecurity or not pg_has_role(role.oid, scope.relowner, 'usage')))
);
