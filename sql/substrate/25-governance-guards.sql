-- Triggers by which the database itself says who recorded and who verified (sandbox and tests only).
-- Role: workflow_admin. session_user is used because SET ROLE cannot change it.
-- Landed when: an insert into verify_result by the login that recorded the change set fails with 42501.
create function cutter_governance.fn_guard_recorded_by() returns trigger
  language plpgsql security definer set search_path to 'pg_catalog', 'pg_temp'
as $function$
begin
  new.recorded_by := session_user;
  new.recorded_at := now();
  return new;
end;
$function$;

create function cutter_governance.fn_guard_verifier() returns trigger
  language plpgsql security definer set search_path to 'pg_catalog', 'pg_temp'
as $function$
declare
  change_set cutter_governance.cut_change_set%rowtype;
begin
  select * into change_set from cutter_governance.cut_change_set where id = new.change_set_id;
  if not found then
    raise exception 'verify_result: unknown change set' using errcode = 'foreign_key_violation';
  end if;
  if change_set.recorded_by = session_user
    or exists (
      select 1 from public.unit_version v
      where v.run_id = change_set.run_id
        and v.source_version_id = change_set.source_version_id
        and v.created_by = session_user
    )
  then
    raise exception 'verify_result: the verifier must not be the writer' using errcode = 'insufficient_privilege';
  end if;
  if new.run_id <> change_set.run_id or new.to_digest <> change_set.to_digest and new.verdict = 'pass' then
    raise exception 'verify_result: does not agree with its change set' using errcode = 'check_violation';
  end if;
  new.verified_by := session_user;
  new.verified_at := now();
  return new;
end;
$function$;

create trigger verify_result_guard before insert on cutter_governance.verify_result
  for each row execute function cutter_governance.fn_guard_verifier();
create trigger review_decision_guard before insert on cutter_governance.review_decision
  for each row execute function cutter_governance.fn_guard_recorded_by();
create trigger cut_change_set_guard before insert on cutter_governance.cut_change_set
  for each row execute function cutter_governance.fn_guard_recorded_by();
create trigger manifest_envelope_guard before insert on cutter_governance.manifest_envelope
  for each row execute function cutter_governance.fn_guard_recorded_by();
create trigger dot_pair_signature_guard before insert on cutter_governance.dot_pair_signature
  for each row execute function cutter_governance.fn_guard_recorded_by();
