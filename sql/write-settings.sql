-- Limits and durability of one write transaction. The server looks for its client twice a second: a writer nobody waits for any more is ended.
-- Role: the step's login. Locks: none. In: $1 lock, $2 statement, $3 idle in transaction, $4 whole transaction, milliseconds as text.
select set_config('lock_timeout', $1, true), set_config('statement_timeout', $2, true),
  set_config('idle_in_transaction_session_timeout', $3, true), set_config('synchronous_commit', 'on', true),
  set_config('client_connection_check_interval', '500ms', true),
  case when current_setting('server_version_num')::integer >= 170000 then set_config('transaction_timeout', $4, true) end;
