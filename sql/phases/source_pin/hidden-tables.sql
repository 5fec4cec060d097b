-- Tables in scope whose rows a role may not see all of, or that are not one ordinary table: absence there is no fact, and the counters do
-- not speak for it. In: $1 schema-qualified names, $2 roles, null for the one that asks. No row: all of it can be seen.
-- Role: any login (catalogues only): each login of a run for itself, psql's for others before an approval is spent. Locks: none.
-- Names are looked up in the catalogue, because to_regclass is refused where USAGE on the schema is missing. A role sees all of a table
-- with row security if it is a superuser, has BYPASSRLS, or holds the owner's rights and it is not forced (row_security_active says the
-- same, of the role that asks alone).
select t.name as table_name, asked.name as role, judged.why
from unnest($1::text[]) with ordinality as t (name, position)
cross join unnest(coalesce($2::text[], array[current_user::text])) with ordinality as asked (name, position)
left join pg_catalog.pg_roles r on r.rolname = asked.name
left join pg_catalog.pg_class c on c.relname = split_part(t.name, '.', 2)
  and c.relnamespace = (select n.oid from pg_catalog.pg_namespace n where n.nspname = split_part(t.name, '.', 1))
cross join lateral (
  select case
    when r.oid is null then 'no such role'
    when c.oid is null then 'absent'
    when c.relrowsecurity and not r.rolsuper and not r.rolbypassrls
      and (c.relforcerowsecurity or not pg_has_role(r.oid, c.relowner, 'usage')) then 'row security'
    when c.relkind <> 'r' then 'not an ordinary table'
    when exists (select from pg_catalog.pg_inherits i where c.oid in (i.inhparent, i.inhrelid)) then 'inheritance'
  end as why
) judged
where judged.why is not null
order by t.position, asked.position;
