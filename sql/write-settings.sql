-- Limits and durability of one write transaction. The server looks for its client twice a second: a writer nobody waits for any more is
-- ended. A function's plan is made once a session, by statistics from before the cut: on a table that was small then, each of 100,000 calls
-- would read all of it. Role: the step's login. Locks: none. In: $1 lock, $2 statement, $3 idle in transaction, $4 whole transaction,
-- milliseconds as text.
select set_config('lock_timeout', $1, true), set_config('statement_timeout', $2, true),
  set_config('idle_in_transaction_session_timeout', $3, true), set_config('synchronous_commit', 'on', true),
  set_config('client_connection_check_interval', '500ms', true), set_config('enable_seqscan', 'off', true),
  case when current_setting('server_version_num')::integer >= 170000 then set_config('transaction_timeout', $4, true) end;
