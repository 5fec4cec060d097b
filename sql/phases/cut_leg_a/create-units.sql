-- One call of fn_iu_create per unit, in the order given: parents before children.
-- Role: cutter_exec, with EXECUTE on this function alone. Locks: those of the function. In: $1 units as a JSON array.
-- Landed when: public.unit_version holds one row per idempotency key.
select unit.position::integer as position, answered.answer
from jsonb_array_elements($1::jsonb) with ordinality as unit (value, position)
cross join lateral (
  select public.fn_iu_create(
    p_idempotency_key => unit.value ->> 'idempotencyKey',
    p_run_id => unit.value ->> 'runId',
    p_canonical_address => unit.value ->> 'address',
    p_doc_code => unit.value ->> 'docCode',
    p_parent_address => unit.value ->> 'parent',
    p_unit_kind => unit.value ->> 'kind',
    p_ordinal => (unit.value ->> 'ordinal')::integer,
    p_body => unit.value ->> 'body',
    p_body_sha256 => unit.value ->> 'bodySha256',
    p_heading_path => unit.value ->> 'headingPath',
    p_byte_start => (unit.value ->> 'byteStart')::bigint,
    p_byte_end => (unit.value ->> 'byteEnd')::bigint,
    p_source_version_id => (unit.value ->> 'sourceVersionId')::uuid,
    p_review_decision_id => (unit.value ->> 'reviewDecisionId')::uuid
  ) as answer
) answered
order by unit.position;
