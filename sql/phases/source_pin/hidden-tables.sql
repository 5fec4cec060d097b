-- Tables in scope whose rows the login that asks may not see all of, or that are not one ordinary table: absence there is no fact, and the
-- counters do not speak for it. Role: each login of a run. Locks: none. In: $1 schema-qualified names. No row: all of it can be seen.
-- Names are looked up in the catalogue, because to_regclass is refused where USAGE on the schema is missing.
select t.name as table_name, current_user::text as role, judged.why
from unnest($1::text[]) with ordinality as t (name, position)
left join pg_catalog.pg_class c on c.relname = split_part(t.name, '.', 2)
  and c.relnamespace = (select n.oid from pg_catalog.pg_namespace n where n.nspname = split_part(t.name, '.', 1))
cross join lateral (
  select case
    when c.oid is null then 'absent'
    when row_security_active(c.oid) then 'row security'
    when c.relkind <> 'r' then 'not an ordinary table'
    when exists (select from pg_catalog.pg_inherits i where c.oid in (i.inhparent, i.inhrelid)) then 'inheritance'
  end as why
) judged
where judged.why is not null
order by t.position;
