-- COPY takes no parameters, so the document and its planned addresses are handed over as settings of this transaction.
-- Role: context_pack_readonly. Locks: none. In: $1 document id, $2 planned addresses.
select set_config('cutter.document_id', $1, true), set_config('cutter.planned_addresses', $2::text[]::text, true);
