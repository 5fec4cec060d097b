-- What stands of a run, and whether the UUID of a REVERT has been used for anything else.
-- Role: context_pack_readonly. Locks: access share. In: $1 run id, $2 UUID, or null.
select pg_is_in_recovery() as in_recovery,
  (select count(*)::integer from cutter_governance.review_decision d where d.run_id = $1) as decisions,
  (select d.kb_document_id from cutter_governance.source_document_registry d
    where d.id = (select r.source_document_id from cutter_governance.review_decision r where r.run_id = $1 and r.gate = 'SG_1')) as document_id,
  (select r.payload_sha from cutter_governance.review_decision r where r.run_id = $1 and r.gate = 'SG_1') as payload_sha,
  count(u.id)::integer as units_of_run,
  count(u.id) filter (where u.lifecycle_state <> 'retired')::integer as still_standing,
  count(l.id)::integer as reverts_logged,
  array(select distinct r.review_decision_id::text from public.iu_lifecycle_log r
    where r.run_id = $1 and starts_with(r.idempotency_key, $1 || ':revert:') and r.review_decision_id is not null) as revert_decisions,
  exists (select 1 from cutter_governance.review_decision d where d.id = $2::uuid)
    or exists (select 1 from public.iu_lifecycle_log r
      where r.review_decision_id = $2::uuid and not (r.run_id = $1 and starts_with(r.idempotency_key, $1 || ':revert:'))) as decision_used
from (values (1)) as one (row)
left join public.information_unit u on u.created_by_run = $1
left join public.iu_lifecycle_log l on l.unit_id = u.id and l.idempotency_key = $1 || ':revert:' || u.ordinal;
