-- The rights the emergency revert needs: read the run's rows, retire its units, say so in the log. It can neither create, enact nor remove.
-- The login itself, with its password, is made by the owner by hand; a password never stands in a file.
-- For the owner's SQL gate: the kit never runs this. Role: the owner of the tables. May be repeated.
-- Locks: the grants' own, for an instant. Rollback: cutter_revert.rollback.sql.
-- Landed when: cutter revert --run-id R no longer stops with DATABASE_RIGHT_MISSING.
grant usage on schema public, cutter_governance to cutter_revert;
grant select on table
  public.information_unit,
  public.unit_version,
  public.iu_lifecycle_log,
  cutter_governance.review_decision,
  cutter_governance.source_document_registry,
  cutter_governance.source_document_version_registry
to cutter_revert;
grant update (lifecycle_state, updated_at) on table public.information_unit to cutter_revert;
grant insert (unit_id, from_state, to_state, run_id, review_decision_id, idempotency_key) on table public.iu_lifecycle_log to cutter_revert;
