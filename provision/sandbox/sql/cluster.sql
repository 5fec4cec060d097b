-- Roles and databases of the host itself, before the programme's substrate. Role: workflow_admin, once on a fresh cluster.
-- There is no role postgres here, as on production.
create role directus login nosuperuser nocreatedb nocreaterole password :'directus_password';
create role agent_data login nosuperuser nocreatedb nocreaterole password :'agent_data_password';
create database directus owner directus encoding 'UTF8' template template0;
create database agent_data owner agent_data encoding 'UTF8' template template0;
revoke all on database agent_data from public;
create database cutter_scratch owner directus encoding 'UTF8' template template0;
\connect directus
create extension if not exists pgcrypto with schema public;
create extension if not exists btree_gist with schema public;
