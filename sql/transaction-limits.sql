-- Timeouts of one transaction; the server's defaults are none.
-- Role: any login. Locks: none. In: $1 lock, $2 statement, $3 idle in transaction, milliseconds as text.
select set_config('lock_timeout', $1, true), set_config('statement_timeout', $2, true),
  set_config('idle_in_transaction_session_timeout', $3, true);
