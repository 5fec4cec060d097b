-- Of the planned addresses those that exist, and the run that made each. Role: context_pack_readonly. Locks: access share. In: $1
-- addresses.
select u.canonical_address as address, u.created_by_run
from public.information_unit u
where u.canonical_address = any ($1::text[])
order by u.canonical_address collate "C";
