-- Takes back what cutter_exec.sql gave; the EXECUTE rights on the two canonical functions stay.
-- For the owner's SQL gate: the kit never runs this. Role: the owner of schema cutter_governance. May be repeated.
-- Locks: the revokes' own, for an instant.
-- Landed when: the grant matrix shows no line of cutter_governance for cutter_exec.
revoke select, insert on table
  cutter_governance.review_decision,
  cutter_governance.cut_change_set,
  cutter_governance.manifest_envelope,
  cutter_governance.dot_pair_signature
from cutter_exec;
revoke usage on schema cutter_governance from cutter_exec;
