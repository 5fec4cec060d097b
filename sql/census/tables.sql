-- Columns and order of each table in scope, as the catalogue has them; a table that does not exist gives no row, nor does one whose rows
-- the login may not see all of (hidden-tables.sql tells).
-- Role: context_pack_readonly. Locks: none. In: $1 schema-qualified names. Names come back quoted, fit for a statement.
select t.name as table_name,
  format('%I.%I', n.nspname, c.relname) as quoted_name,
  (select string_agg(quote_ident(a.attname), ', ' order by a.attnum) from pg_catalog.pg_attribute a
    where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns,
  coalesce(
    (select string_agg(quote_ident(a.attname), ', ' order by k.position)
      from pg_catalog.pg_index i
      cross join lateral unnest(i.indkey::smallint[]) with ordinality as k (attnum, position)
      join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum = k.attnum
      where i.indrelid = c.oid and i.indisprimary),
    -- no primary key: by every column, as text, which every type has
    (select string_agg(quote_ident(a.attname) || '::text collate "C"', ', ' order by a.attnum) from pg_catalog.pg_attribute a
      where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped)
  ) as order_by
from unnest($1::text[]) with ordinality as t (name, position)
join pg_catalog.pg_class c on c.oid = to_regclass(t.name) and c.relkind in ('r', 'p') and not row_security_active(c.oid)
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
order by t.position;
