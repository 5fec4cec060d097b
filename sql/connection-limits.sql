-- The limits of connections that a role meets here, and how many sessions there are now: read by another login when the role's own is
-- refused. Role: any login. Locks: none. In: $1 role. A limit of -1 is none.
select
  (select r.rolconnlimit from pg_catalog.pg_roles r where r.rolname = $1) as role_limit,
  (select count(*)::integer from pg_catalog.pg_stat_activity a where a.usename = $1) as role_sessions,
  (select d.datconnlimit from pg_catalog.pg_database d where d.datname = current_database()) as database_limit,
  (select count(*)::integer from pg_catalog.pg_stat_activity a where a.datname = current_database()) as database_sessions,
  current_setting('max_connections')::integer as server_limit,
  (select count(*)::integer from pg_catalog.pg_stat_activity a where a.backend_type = 'client backend') as server_sessions;
