-- Names for the probes, quoted by the server: an UPDATE must name a column, and a right may lie on one column alone.
-- Role: context_pack_readonly. Locks: none. In: $1 schema-qualified tables. A missing table gives no row.
select t.name as table_name, format('%I.%I', n.nspname, c.relname) as quoted_name,
  array(select quote_ident(a.attname) from pg_catalog.pg_attribute a
    where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = '' and a.attidentity <> 'a'
    order by a.attnum) as columns
from unnest($1::text[]) as t (name)
join pg_catalog.pg_class c on c.oid = to_regclass(t.name)
join pg_catalog.pg_namespace n on n.oid = c.relnamespace;
