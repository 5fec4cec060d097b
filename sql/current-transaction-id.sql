-- This transaction's id, assigned if it has none: what the journal keeps before COMMIT. Role: the step's login. Locks: none.
select pg_current_xact_id()::text as id;
