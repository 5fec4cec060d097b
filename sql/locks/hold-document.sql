-- The document's session lock: one run per document, across hosts. Another key than the transaction lock's.
-- Role: context_pack_readonly. Locks: this advisory lock, until the session ends. In: $1 knowledge base id.
select pg_catalog.pg_try_advisory_lock(hashtextextended('cutter.document:' || $1, 1)) as held;
