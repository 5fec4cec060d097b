-- The logins of the programme, for the sandbox and the tests only; production has its own.
-- Role: workflow_admin, once on a fresh cluster. Passwords come as psql variables on stdin, never as arguments.
-- Landed when: select rolname from pg_roles where rolname like 'cutter\_%' gives four rows.
create role context_pack_readonly login nosuperuser nocreatedb nocreaterole noreplication nobypassrls
  password :'context_pack_readonly_password';
create role cutter_exec login nosuperuser nocreatedb nocreaterole noreplication nobypassrls
  password :'cutter_exec_password';
create role cutter_verify login nosuperuser nocreatedb nocreaterole noreplication nobypassrls
  password :'cutter_verify_password';
create role directus_secdef login nosuperuser nocreatedb nocreaterole noreplication nobypassrls
  password :'directus_secdef_password';
create role cutter_revert login nosuperuser nocreatedb nocreaterole noreplication nobypassrls
  password :'cutter_revert_password';
create role cutter_ro nologin nosuperuser nocreatedb nocreaterole noreplication nobypassrls;
comment on role cutter_ro is 'guard principal: cannot write, by design';
