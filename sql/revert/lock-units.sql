-- The units of the run, held until the transaction ends: nobody changes them or hangs a version, a log line or a child on them meanwhile.
-- Role: the revert principal. Locks: those rows, for update. In: setting cutter.run_id.
select count(*)::integer as units
from (
  select u.id from public.information_unit u
  where u.created_by_run = current_setting('cutter.run_id')
  order by u.id
  for update
) locked;
