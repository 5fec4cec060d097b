-- The last query of every transaction: null means this transaction wrote nothing.
-- Role: any login. Locks: none. Also flushes this session's statistics, so that the census counters are current.
select pg_current_xact_id_if_assigned()::text as id, pg_stat_force_next_flush();
