-- The rights the governance principal directus_secdef needs: it records decisions and leg B, and nothing else.
-- For the owner's SQL gate: the kit never runs this. Role: the owner of schema cutter_governance. May be repeated.
-- Locks: the grants' own, for an instant. Rollback: directus_secdef.rollback.sql.
-- Landed when: cutter contract check names no "right directus_secdef …" any more.
grant usage on schema cutter_governance to directus_secdef;
grant select, insert on table
  cutter_governance.review_decision,
  cutter_governance.cut_change_set,
  cutter_governance.manifest_envelope,
  cutter_governance.dot_pair_signature
to directus_secdef;
