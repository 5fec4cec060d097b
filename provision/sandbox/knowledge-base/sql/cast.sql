-- Asks PostgreSQL whether it can keep a text as a document. What it says against it, the server tells its client.
select $1::jsonb is not null as storable;
