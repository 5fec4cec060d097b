-- The verifier's record of a change set. Role: context_pack_readonly. Locks: access share. In: $1 change set, $2 run id.
select v.change_set_id::text as change_set_id, v.run_id, v.verdict, v.units_checked, v.to_digest, v.verified_by
from cutter_governance.verify_result v
where v.change_set_id = $1::uuid and v.run_id = $2;
