-- What the server is, whether it keeps what it promises, and whether its modification counters speak for the time between two looks.
-- Lost counters leave a trace: a reset of any table marks the database, and after a crash the shared statistics begin anew.
-- Role: context_pack_readonly. Locks: none.
select current_setting('server_version') as server_version,
  current_setting('server_version_num')::integer as server_version_num,
  (select system_identifier::text from pg_control_system()) as system_identifier,
  current_database()::text as database,
  pg_is_in_recovery() as in_recovery,
  current_setting('fsync')::boolean as fsync,
  current_setting('full_page_writes')::boolean as full_page_writes,
  to_char(greatest((select d.stats_reset from pg_stat_database d where d.datname = current_database()), pg_stat_get_bgwriter_stat_reset_time()) at time zone 'UTC',
    'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as statistics_reset_at,
  current_setting('track_counts')::boolean and not exists (
    select from pg_db_role_setting s cross join unnest(s.setconfig) as c (setting)
    where c.setting like 'track_counts=%' and not split_part(c.setting, '=', 2)::boolean) as counts_tracked,
  to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as now;
