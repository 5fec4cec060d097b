-- The units a run created, as they stand: what is compared with the plan it cut by. The digest is of the stored bytes, not the recorded
-- column. Role: context_pack_readonly. Locks: access share. In: $1 run id.
select v.idempotency_key, u.canonical_address as address, u.doc_code, p.canonical_address as parent, u.unit_kind as kind, u.ordinal,
  v.heading_path, v.byte_start::float8 as byte_start, v.byte_end::float8 as byte_end,
  encode(sha256(convert_to(v.body, 'UTF8')), 'hex') as body_sha256, v.source_version_id::text as source_version_id
from public.information_unit u
left join public.unit_version v on v.id = u.current_version_id
left join public.information_unit p on p.id = u.parent
where u.created_by_run = $1
order by u.ordinal, u.canonical_address;
