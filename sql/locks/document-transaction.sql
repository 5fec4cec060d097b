-- The document's transaction lock: taken first by every writer, and by every reader of a recorder, so that an orphaned writer has ended by
-- then. Role: any login. Locks: this advisory lock, until the transaction ends. In: $1 knowledge base id.
select pg_catalog.pg_advisory_xact_lock(hashtextextended('cutter.document:' || $1, 0));
