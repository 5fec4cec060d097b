-- The rights cutter_exec needs if it is pinned as governance principal: decisions and leg B, besides its two functions.
-- DQ_4 proposes directus_secdef instead: then the writer of units and the recorder of decisions are two logins.
-- For the owner's SQL gate: the kit never runs this. Role: the owner of schema cutter_governance. May be repeated.
-- Locks: the grants' own, for an instant. Rollback: cutter_exec.rollback.sql.
-- Landed when: cutter contract check names no "right cutter_exec …" any more.
grant usage on schema cutter_governance to cutter_exec;
grant select, insert on table
  cutter_governance.review_decision,
  cutter_governance.cut_change_set,
  cutter_governance.manifest_envelope,
  cutter_governance.dot_pair_signature
to cutter_exec;
