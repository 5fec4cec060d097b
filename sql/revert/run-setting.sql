-- COPY takes no parameters, so the run whose rows are left out is handed over as a setting of this transaction.
-- Role: context_pack_readonly. Locks: none. In: $1 run id.
select set_config('cutter.run_id', $1, true);
