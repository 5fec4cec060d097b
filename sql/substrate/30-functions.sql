-- The two canonical functions in the owner's house style: they answer jsonb and refuse instead of raising
-- (sandbox and tests only; production's signatures are compared with sql/contract, not assumed).
-- Role: workflow_admin, who owns them. Locks: rows of the unit only; a unique key settles races.
-- Landed when: select public.fn_iu_create(…) answers {"refused": …}.
create function public.fn_iu_create(
  p_idempotency_key text default null,
  p_run_id text default null,
  p_canonical_address text default null,
  p_doc_code text default null,
  p_parent_address text default null,
  p_unit_kind text default null,
  p_ordinal integer default null,
  p_body text default null,
  p_body_sha256 text default null,
  p_heading_path text default null,
  p_byte_start bigint default null,
  p_byte_end bigint default null,
  p_source_version_id uuid default null,
  p_review_decision_id uuid default null,
  p_expected_version_id uuid default null
) returns jsonb
  language plpgsql volatile security definer set search_path to 'public', 'pg_temp'
as $function$
declare
  v_gate text;
  v_recorded record;
  v_parent uuid;
  v_unit record;
  v_unit_id uuid;
  v_version_id uuid;
  v_version_no integer;
begin
  select c.value into v_gate from public.dot_config c where c.key = 'iu_cutter.create';
  if v_gate is distinct from 'on' then
    return jsonb_build_object('refused', true, 'reason', 'gate_closed');
  end if;

  if p_idempotency_key is null or p_run_id is null or p_canonical_address is null or p_doc_code is null
    or p_unit_kind is null or p_ordinal is null or p_body is null or p_body_sha256 is null
    or p_heading_path is null or p_byte_start is null or p_byte_end is null or p_source_version_id is null
  then
    return jsonb_build_object('refused', true, 'reason', 'argument_missing');
  end if;
  if encode(sha256(convert_to(p_body, 'UTF8')), 'hex') <> p_body_sha256
    or octet_length(convert_to(p_body, 'UTF8')) <> p_byte_end - p_byte_start
  then
    return jsonb_build_object('refused', true, 'reason', 'body_mismatch');
  end if;
  if p_unit_kind not in ('document', 'preamble', 'section') or p_ordinal < 0 or p_byte_start < 0 then
    return jsonb_build_object('refused', true, 'reason', 'argument_invalid');
  end if;

  select u.id as unit_id, v.id as version_id, v.version_no, v.body_sha256, u.canonical_address, v.run_id
    into v_recorded
    from public.unit_version v join public.information_unit u on u.id = v.unit_id
    where v.idempotency_key = p_idempotency_key;
  if found then
    if v_recorded.body_sha256 <> p_body_sha256
      or v_recorded.canonical_address <> p_canonical_address
      or v_recorded.run_id <> p_run_id
    then
      return jsonb_build_object('refused', true, 'reason', 'idempotency_conflict');
    end if;
    return jsonb_build_object('refused', false, 'duplicate', true, 'unit_id', v_recorded.unit_id,
      'version_id', v_recorded.version_id, 'version_no', v_recorded.version_no);
  end if;

  if not exists (
    select 1
    from cutter_governance.review_decision d
    join cutter_governance.source_document_version_registry s on s.source_document_id = d.source_document_id
    join cutter_governance.source_document_registry r on r.id = d.source_document_id
    where d.id = p_review_decision_id and d.run_id = p_run_id and d.phase = 'cut_leg_a'
      and s.id = p_source_version_id and r.doc_code = p_doc_code
  ) then
    return jsonb_build_object('refused', true, 'reason', 'review_decision_unknown');
  end if;

  if p_parent_address is not null then
    select u.id into v_parent from public.information_unit u where u.canonical_address = p_parent_address;
    if not found then
      return jsonb_build_object('refused', true, 'reason', 'parent_unknown');
    end if;
  end if;

  select u.id, u.current_version_id, u.doc_code, u.lifecycle_state
    into v_unit from public.information_unit u where u.canonical_address = p_canonical_address for update;
  if found then
    if p_expected_version_id is null or v_unit.doc_code <> p_doc_code then
      return jsonb_build_object('refused', true, 'reason', 'address_taken');
    end if;
    if v_unit.current_version_id is distinct from p_expected_version_id then
      return jsonb_build_object('refused', true, 'reason', 'version_moved');
    end if;
    v_unit_id := v_unit.id;
    select coalesce(max(v.version_no), 0) + 1 into v_version_no
      from public.unit_version v where v.unit_id = v_unit_id;
  else
    if p_expected_version_id is not null then
      return jsonb_build_object('refused', true, 'reason', 'version_moved');
    end if;
    v_version_no := 1;
    insert into public.information_unit
      (canonical_address, doc_code, parent, unit_kind, ordinal, content_sha256, created_by_run, last_run_id)
      values (p_canonical_address, p_doc_code, v_parent, p_unit_kind, p_ordinal, p_body_sha256, p_run_id, p_run_id)
      returning id into v_unit_id;
  end if;

  insert into public.unit_version
    (unit_id, version_no, body, body_sha256, heading_path, byte_start, byte_end, source_version_id, run_id, idempotency_key)
    values (v_unit_id, v_version_no, p_body, p_body_sha256, p_heading_path, p_byte_start, p_byte_end,
      p_source_version_id, p_run_id, p_idempotency_key)
    returning id into v_version_id;
  update public.information_unit u
    set current_version_id = v_version_id, content_sha256 = p_body_sha256, lifecycle_state = 'draft',
      parent = v_parent, unit_kind = p_unit_kind, ordinal = p_ordinal, last_run_id = p_run_id, updated_at = now()
    where u.id = v_unit_id;
  return jsonb_build_object('refused', false, 'duplicate', false, 'unit_id', v_unit_id,
    'version_id', v_version_id, 'version_no', v_version_no);
exception
  when unique_violation then
    -- a foreign writer took the address, the version number or the key between our look and our insert
    return jsonb_build_object('refused', true, 'reason', 'address_taken');
end;
$function$;

create function public.fn_iu_enact(
  p_idempotency_key text default null,
  p_run_id text default null,
  p_canonical_address text default null,
  p_to_state text default 'enacted',
  p_review_decision_id uuid default null,
  p_expected_version_id uuid default null
) returns jsonb
  language plpgsql volatile security definer set search_path to 'public', 'pg_temp'
as $function$
declare
  v_gate text;
  v_recorded record;
  v_unit record;
begin
  select c.value into v_gate from public.dot_config c where c.key = 'iu_cutter.enact';
  if v_gate is distinct from 'on' then
    return jsonb_build_object('refused', true, 'reason', 'gate_closed');
  end if;

  if p_idempotency_key is null or p_run_id is null or p_canonical_address is null or p_to_state is null
    or p_expected_version_id is null
  then
    return jsonb_build_object('refused', true, 'reason', 'argument_missing');
  end if;

  select l.id, l.unit_id, l.to_state, l.run_id, u.canonical_address into v_recorded
    from public.iu_lifecycle_log l join public.information_unit u on u.id = l.unit_id
    where l.idempotency_key = p_idempotency_key;
  if found then
    if v_recorded.canonical_address <> p_canonical_address or v_recorded.to_state <> p_to_state
      or v_recorded.run_id <> p_run_id
    then
      return jsonb_build_object('refused', true, 'reason', 'idempotency_conflict');
    end if;
    return jsonb_build_object('refused', false, 'duplicate', true, 'unit_id', v_recorded.unit_id,
      'log_id', v_recorded.id);
  end if;

  select u.id, u.doc_code, u.lifecycle_state, u.current_version_id into v_unit
    from public.information_unit u where u.canonical_address = p_canonical_address for update;
  if not found then
    return jsonb_build_object('refused', true, 'reason', 'unit_unknown');
  end if;
  if v_unit.current_version_id is distinct from p_expected_version_id then
    return jsonb_build_object('refused', true, 'reason', 'version_moved');
  end if;
  if not exists (
    select 1 from cutter_governance.review_decision d
    join cutter_governance.source_document_registry r on r.id = d.source_document_id
    where d.id = p_review_decision_id and d.run_id = p_run_id and d.phase = 'lifecycle_enact'
      and r.doc_code = v_unit.doc_code
  ) then
    return jsonb_build_object('refused', true, 'reason', 'review_decision_unknown');
  end if;
  if not ((v_unit.lifecycle_state = 'draft' and p_to_state in ('review', 'enacted'))
    or (v_unit.lifecycle_state = 'review' and p_to_state = 'enacted'))
  then
    return jsonb_build_object('refused', true, 'reason', 'transition_illegal');
  end if;

  update public.information_unit u
    set lifecycle_state = p_to_state, last_run_id = p_run_id, updated_at = now()
    where u.id = v_unit.id;
  insert into public.iu_lifecycle_log
    (unit_id, from_state, to_state, run_id, review_decision_id, idempotency_key)
    values (v_unit.id, v_unit.lifecycle_state, p_to_state, p_run_id, p_review_decision_id, p_idempotency_key)
    returning id, unit_id, to_state, run_id, null::text as canonical_address into v_recorded;
  return jsonb_build_object('refused', false, 'duplicate', false, 'unit_id', v_unit.id, 'log_id', v_recorded.id);
end;
$function$;
