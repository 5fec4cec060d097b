-- A call of each function that could be planned, never run: every argument is a null of its type.
-- Role: context_pack_readonly. Locks: none. In: $1 schema-qualified functions. A missing function gives no row.
select f.name as function_name,
  format('%I.%I(%s)', n.nspname, p.proname,
    (select string_agg(format('null::%s', format_type(a.type_oid, null)), ', ' order by a.position)
      from unnest(p.proargtypes::oid[]) with ordinality as a (type_oid, position))) as call
from unnest($1::text[]) as f (name)
join pg_catalog.pg_namespace n on n.nspname = split_part(f.name, '.', 1)
join pg_catalog.pg_proc p on p.pronamespace = n.oid and p.proname = split_part(f.name, '.', 2);
