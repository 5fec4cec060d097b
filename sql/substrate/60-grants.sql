-- Who may do what: exactly what each login needs and nothing for PUBLIC (sandbox and tests only).
-- Role: workflow_admin. Landed when: the grant matrix shows these lines and none beside them.
revoke all on database directus from public;
revoke all on schema public from public;
revoke all on all tables in schema public, cutter_governance, sandbox_tac from public;
revoke all on all functions in schema public, cutter_governance from public;

grant connect on database directus to context_pack_readonly, cutter_exec, cutter_verify, directus_secdef;
grant usage on schema public, cutter_governance, sandbox_tac to context_pack_readonly;
grant select on all tables in schema public, cutter_governance, sandbox_tac to context_pack_readonly;

grant usage on schema public to cutter_exec;
grant execute on function public.fn_iu_create(text, text, text, text, text, text, integer, text, text, text, bigint, bigint, uuid, uuid, uuid) to cutter_exec;
grant execute on function public.fn_iu_enact(text, text, text, text, uuid, uuid) to cutter_exec;

grant usage on schema cutter_governance to cutter_verify;
grant select, insert on cutter_governance.verify_result to cutter_verify;

grant usage on schema cutter_governance to directus_secdef;
grant select, insert on cutter_governance.review_decision, cutter_governance.cut_change_set,
  cutter_governance.manifest_envelope, cutter_governance.dot_pair_signature to directus_secdef;

-- the emergency revert: sql/grants/cutter_revert.sql says the same for the owner's SQL gate
grant connect on database directus to cutter_revert;
grant usage on schema public, cutter_governance to cutter_revert;
grant select on public.information_unit, public.unit_version, public.iu_lifecycle_log,
  cutter_governance.review_decision, cutter_governance.source_document_registry,
  cutter_governance.source_document_version_registry to cutter_revert;
grant update (lifecycle_state, updated_at) on public.information_unit to cutter_revert;
grant insert (unit_id, from_state, to_state, run_id, review_decision_id, idempotency_key) on public.iu_lifecycle_log to cutter_revert;

-- the application's own login: it owns the database, keeps the registries, and pg_dump reads through it
grant usage on schema public, cutter_governance, sandbox_tac to directus;
grant select on all tables in schema public, cutter_governance, sandbox_tac to directus;
grant insert on cutter_governance.source_document_registry, cutter_governance.source_document_version_registry to directus;
