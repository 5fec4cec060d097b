-- Exports this transaction's snapshot for pg_dump --snapshot; valid until the transaction ends.
-- Role: context_pack_readonly. Locks: none. Assigns no transaction id.
select pg_export_snapshot() as id;
