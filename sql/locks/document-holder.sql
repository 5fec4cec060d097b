-- Who holds the document's session lock, by the name its session gave itself.
-- Role: context_pack_readonly. Locks: none. In: $1 knowledge base id.
select a.application_name as holder, l.pid = pg_backend_pid() as ours
from pg_catalog.pg_locks l
left join pg_catalog.pg_stat_activity a on a.pid = l.pid
where l.locktype = 'advisory' and l.granted and l.objsubid = 1
  and l.database = (select oid from pg_catalog.pg_database where datname = current_database())
  and ((l.classid::bigint << 32) | l.objid::bigint) = hashtextextended('cutter.document:' || $1, 1)
order by ours desc
limit 1;
