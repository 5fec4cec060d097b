-- What became of a transaction whose COMMIT got no answer; null when the server no longer knows. Role: context_pack_readonly. Locks: none.
-- In: $1 transaction id.
select pg_catalog.pg_xact_status($1::xid8) as status;
