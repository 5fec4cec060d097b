-- The last query of every transaction: a null id means this transaction wrote nothing.
-- Role: any login. Locks: none. Also flushes this session's statistics, so that the census counters are current.
-- In: $1 names of settings that a superuser may have changed under the open session. Out: their values now, by name (null: none given).
select pg_current_xact_id_if_assigned()::text as id, pg_stat_force_next_flush(),
  (select coalesce(jsonb_object_agg(s.name, current_setting(s.name, true)), '{}') from unnest($1::text[]) as s (name)) as settings;
