-- What a session runs with, whoever set it, and where: asked once, first, on every connection. Role: any login, without a right (no
-- pg_control_system, whose EXECUTE an owner may have revoked). Locks: none.
-- In: $1 names of settings. Out: one row per setting (value null: this server has none, or nobody gave it a value), with the place its
-- value comes from (unknown: the server does not tell); and in each row who the session is, in which database, and since when its server
-- runs: to the microsecond, so that not even a copy of a server has the same.
select s.name, pg_catalog.current_setting(s.name, true) as value, coalesce(p.source, 'unknown') as source,
  session_user::text as session_role, current_user::text as current_role_name, pg_catalog.current_database()::text as database,
  (select d.oid::text from pg_catalog.pg_database d where d.datname = pg_catalog.current_database()) as database_oid,
  to_char(pg_postmaster_start_time() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as server_started_at
from pg_catalog.unnest($1::pg_catalog.text[]) with ordinality as s (name, position)
left join pg_catalog.pg_settings p on p.name = s.name
order by s.position;
