-- This transaction's id, assigned if it has none: what the journal keeps before COMMIT. Role: the step's login. Locks: none.
-- In: $1 names of settings that a superuser may have changed under the open session. Out: their values now, by name (null: none given).
select pg_current_xact_id()::text as id,
  (select coalesce(jsonb_object_agg(s.name, current_setting(s.name, true)), '{}') from unnest($1::text[]) as s (name)) as settings;
