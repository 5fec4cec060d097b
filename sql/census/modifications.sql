-- Rows ever inserted, updated and deleted, per table: these counters also see an insert that was deleted again.
-- A session's counts arrive when it ends, or within a second of its next statement, at the latest after ten idle seconds.
-- Role: context_pack_readonly. Locks: none. In: $1 schema-qualified names.
select t.name as table_name,
  (pg_stat_get_tuples_inserted(c.oid) + pg_stat_get_tuples_updated(c.oid) + pg_stat_get_tuples_deleted(c.oid))::text as modifications
from unnest($1::text[]) as t (name)
join pg_catalog.pg_class c on c.oid = to_regclass(t.name) and c.relkind in ('r', 'p');
