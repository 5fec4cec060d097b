-- One call of fn_iu_enact per unit, in the order given.
-- Role: cutter_exec, with EXECUTE on this function alone. Locks: those of the function. In: $1 units as a JSON array.
-- Landed when: public.iu_lifecycle_log holds one row per idempotency key.
select unit.position::integer as position, answered.answer
from jsonb_array_elements($1::jsonb) with ordinality as unit (value, position)
cross join lateral (
  select public.fn_iu_enact(
    p_idempotency_key => unit.value ->> 'idempotencyKey',
    p_run_id => unit.value ->> 'runId',
    p_canonical_address => unit.value ->> 'address',
    p_to_state => unit.value ->> 'toState',
    p_review_decision_id => (unit.value ->> 'reviewDecisionId')::uuid,
    p_expected_version_id => (unit.value ->> 'expectedVersionId')::uuid
  ) as answer
) answered
order by unit.position;
