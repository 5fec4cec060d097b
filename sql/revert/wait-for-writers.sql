-- Waits until no transaction holds the document's lock: a writer nobody sees any more has ended, and what it left can be read by the next transaction.
-- Role: context_pack_readonly, then the revert principal. Locks: the document's transaction lock. In: $1 knowledge base id.
select pg_catalog.pg_advisory_xact_lock(hashtextextended('cutter.document:' || $1, 0));
