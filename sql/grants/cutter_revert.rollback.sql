-- Takes back what cutter_revert.sql gave.
-- For the owner's SQL gate: the kit never runs this. Role: the owner of the tables. May be repeated.
-- Locks: the revokes' own, for an instant.
-- Landed when: the grant matrix shows no line of public or cutter_governance for cutter_revert.
revoke insert (unit_id, from_state, to_state, run_id, review_decision_id, idempotency_key) on table public.iu_lifecycle_log from cutter_revert;
revoke update (lifecycle_state, updated_at) on table public.information_unit from cutter_revert;
revoke select on table
  public.information_unit,
  public.unit_version,
  public.iu_lifecycle_log,
  cutter_governance.review_decision,
  cutter_governance.source_document_registry,
  cutter_governance.source_document_version_registry
from cutter_revert;
revoke usage on schema public, cutter_governance from cutter_revert;
