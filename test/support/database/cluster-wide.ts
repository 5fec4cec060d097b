// What holds for a whole PostgreSQL server, as text: a file that shares its server must leave it as it was.
import type { Client } from "pg";

const sql = `
  select line from (
    select concat_ws(' ', 'role', a.rolname, a.rolsuper, a.rolinherit, a.rolcreaterole, a.rolcreatedb, a.rolcanlogin, a.rolreplication,
      a.rolbypassrls, a.rolconnlimit, md5(a.rolpassword), a.rolvaliduntil) from pg_catalog.pg_authid a
    union all select concat_ws(' ', 'member', m.roleid::regrole, m.member::regrole, m.admin_option,
      to_jsonb(m) ->> 'inherit_option', to_jsonb(m) ->> 'set_option')
      from pg_catalog.pg_auth_members m
    union all select concat_ws(' ', 'setting of', coalesce(d.datname, '-'), s.setrole::regrole, s.setconfig)
      from pg_catalog.pg_db_role_setting s left join pg_catalog.pg_database d on d.oid = s.setdatabase
    union all select concat_ws(' ', 'database', d.datname, d.datdba::regrole, d.datallowconn, d.datistemplate, d.datconnlimit, d.datacl)
      from pg_catalog.pg_database d
    union all select concat_ws(' ', 'parameter', p.parname, p.paracl) from pg_catalog.pg_parameter_acl p
    union all select concat_ws(' ', 'tablespace', t.spcname, t.spcacl) from pg_catalog.pg_tablespace t
    union all select concat_ws(' ', 'file', f.name, f.setting) from pg_catalog.pg_file_settings f where f.sourcefile like '%.auto.conf'
  ) facts (line) order by line`;

/** Sorted lines: roles and their passwords' digests, memberships, settings of roles and databases, databases, rights on parameters. */
export async function readClusterWide(admin: Client): Promise<readonly string[]> {
  const { rows } = await admin.query<{ line: string }>(sql);
  return rows.map(({ line }) => line);
}
