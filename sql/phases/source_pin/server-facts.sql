-- What the server is and whether it keeps what it promises.
-- Role: context_pack_readonly. Locks: none.
select current_setting('server_version') as server_version,
  current_setting('server_version_num')::integer as server_version_num,
  (select system_identifier::text from pg_control_system()) as system_identifier,
  current_database()::text as database,
  pg_is_in_recovery() as in_recovery,
  current_setting('fsync')::boolean as fsync,
  current_setting('full_page_writes')::boolean as full_page_writes,
  to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as now;
