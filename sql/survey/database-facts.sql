-- What the survey asks of the database: version, roles, objects, and what the two candidates for the governance principal may do. One line
-- of JSON. Role: any login (catalogues only). Locks: none beyond AccessShare on catalogues. One read-only transaction; run with psql -X -q
-- -At, on stdin.
set statement_timeout = '15s';
set lock_timeout = '2s';
begin transaction isolation level repeatable read read only;
select json_build_object(
  'server_version', current_setting('server_version'),
  'server_version_num', current_setting('server_version_num')::int,
  'database', current_database(),
  'in_recovery', pg_is_in_recovery(),
  'roles', (
    select json_agg(json_build_object('name', w.name, 'present', r.rolname is not null, 'login', coalesce(r.rolcanlogin, false), 'superuser', coalesce(r.rolsuper, false)) order by w.position)
    from unnest(array['context_pack_readonly', 'cutter_exec', 'cutter_verify', 'cutter_ro', 'cutter_revert', 'directus_secdef']) with ordinality as w (name, position)
    left join pg_catalog.pg_roles r on r.rolname = w.name),
  'tables', (
    select json_agg(json_build_object('name', w.name, 'present', c.oid is not null) order by w.position)
    from unnest(array[
      'public.information_unit', 'public.unit_version', 'public.iu_lifecycle_log',
      'cutter_governance.review_decision', 'cutter_governance.verify_result', 'cutter_governance.cut_change_set', 'cutter_governance.manifest_envelope',
      'cutter_governance.dot_pair_signature', 'cutter_governance.source_document_registry', 'cutter_governance.source_document_version_registry'
    ]) with ordinality as w (name, position)
    left join pg_catalog.pg_class c on c.oid = pg_catalog.to_regclass(w.name) and c.relkind in ('r', 'p')),
  'functions', (
    select json_agg(json_build_object('name', w.name, 'present', exists (
      select from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
      where n.nspname = 'public' and 'public.' || p.proname = w.name)) order by w.position)
    from unnest(array['public.fn_iu_create', 'public.fn_iu_enact']) with ordinality as w (name, position)),
  'governance_rights', (
    select json_agg(json_build_object('principal', p.name, 'table', t.name, 'privilege', v.name, 'held', coalesce(
      case when pg_catalog.to_regrole(p.name) is null or c.oid is null then false
        else pg_catalog.has_schema_privilege(p.name, c.relnamespace, 'USAGE') and pg_catalog.has_table_privilege(p.name, c.oid, v.name) end, false))
      order by p.name, t.position, v.name)
    from unnest(array['cutter_exec', 'directus_secdef']) as p (name)
    cross join unnest(array[
      'cutter_governance.review_decision', 'cutter_governance.cut_change_set', 'cutter_governance.manifest_envelope', 'cutter_governance.dot_pair_signature'
    ]) with ordinality as t (name, position)
    cross join unnest(array['INSERT', 'SELECT']) as v (name)
    left join pg_catalog.pg_class c on c.oid = pg_catalog.to_regclass(t.name)),
  'transaction_id_assigned', pg_catalog.pg_current_xact_id_if_assigned() is not null);
rollback;
