-- What the revert's transaction is told: durability, the run, and the UUID of the REVERT that stands in the log.
-- Role: the revert principal. Locks: none. In: $1 run id, $2 UUID. All of it ends with the transaction; a client that died is noticed in
-- half a second.
select set_config('synchronous_commit', 'on', true), set_config('client_connection_check_interval', '500ms', true),
  set_config('cutter.run_id', $1, true), set_config('cutter.review_decision_id', $2, true);
