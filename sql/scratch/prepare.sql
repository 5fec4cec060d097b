-- Prepares the database of the restore proof (orchestrator:scratch_database), once: what the narrow backup does not bring itself.
-- For the owner's SQL gate: the kit never runs this. Role: the one of orchestrator:postgres_access, which restores there. May be repeated.
-- Locks: none that matter; nobody else uses this database. Rollback: drop the database.
-- Types and functions that production's tables name in columns, defaults or checks have to be made here as well; a restore that misses one
-- says which. Landed when: a live run's phase 4 says restored into this database.
create schema if not exists cutter_governance;
grant usage on schema public, cutter_governance to context_pack_readonly;
-- each proof makes the tables anew, so the reader's right is a default of whoever makes them
alter default privileges in schema public, cutter_governance grant select on tables to context_pack_readonly;
