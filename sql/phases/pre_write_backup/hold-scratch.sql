-- One restore proof at a time in the scratch database: a session lock, so it outlives the transaction and ends with the connection.
-- Role: context_pack_readonly, in the scratch database. Locks: advisory, its own key. Waits as long as lock_timeout allows.
select pg_advisory_lock(hashtextextended('cutter.scratch', 0));
