-- The effective grant matrix, one canonical line per row, sorted by bytes: who may do what, and every path to it.
-- Role: any login (catalogues only). Locks: none. Writes nothing.
-- In: setting cutter.principals, role names joined by commas. Out: column line.
-- Left out, so that a server upgrade changes nothing: objects of initdb and of extensions whose ACL is the initial one,
-- predefined roles nobody here reaches, an owner's own rights (the owner line says it), a superuser's rights (it has all).
with recursive
asked as (
  select name from unnest(string_to_array(current_setting('cutter.principals'), ',')) as name
),
edge as (
  select member, roleid, bool_or(admin_option) as admin from pg_catalog.pg_auth_members group by member, roleid
),
reached (oid) as ( -- what a principal is or can become; inherit and set flags are ignored, ADMIN alone suffices
  select r.oid from pg_catalog.pg_roles r join asked on asked.name = r.rolname
  union
  select e.roleid from edge e join reached on reached.oid = e.member
),
reaching (oid) as ( -- who can become a principal
  select r.oid from pg_catalog.pg_roles r join asked on asked.name = r.rolname
  union
  select e.member from edge e join reaching on reaching.oid = e.roleid
),
grantee (oid, name) as (
  select r.oid, quote_ident(r.rolname) from pg_catalog.pg_roles r join reached using (oid) where not r.rolsuper
  union all
  select 0::oid, 'PUBLIC'
),
extension_member as (
  select classid, objid from pg_catalog.pg_depend where deptype = 'e' and refclassid = 'pg_catalog.pg_extension'::regclass
),
argument_types as (
  select p.oid as function_oid,
    coalesce(string_agg(quote_ident(n.nspname) || '.' || quote_ident(t.typname), ',' order by a.position), '') as list
  from pg_catalog.pg_proc p
  left join lateral unnest(p.proargtypes::oid[]) with ordinality as a (type_oid, position) on true
  left join pg_catalog.pg_type t on t.oid = a.type_oid
  left join pg_catalog.pg_namespace n on n.oid = t.typnamespace
  group by p.oid
),
object (class_oid, oid, sub_id, kind, name, owner, acl, default_kind) as (
  select 'pg_catalog.pg_class'::regclass::oid, c.oid, 0,
    case c.relkind when 'S' then 'sequence' when 'v' then 'view' when 'm' then 'materialized view' when 'f' then 'foreign table' else 'table' end,
    format('%I.%I', n.nspname, c.relname), c.relowner, c.relacl, case c.relkind when 'S' then 's' else 'r' end::"char"
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S') and n.nspname !~ '^pg_(temp|toast)'
  union all
  select 'pg_catalog.pg_class'::regclass::oid, c.oid, a.attnum, 'column',
    format('%I.%I.%I', n.nspname, c.relname, a.attname), c.relowner, a.attacl, 'c'::"char"
  from pg_catalog.pg_attribute a
  join pg_catalog.pg_class c on c.oid = a.attrelid
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where a.attacl is not null and not a.attisdropped
  union all
  select 'pg_catalog.pg_proc'::regclass::oid, p.oid, 0,
    concat_ws(' ', case when p.prosecdef then 'security definer' end, case p.prokind when 'p' then 'procedure' else 'function' end),
    format('%I.%I(%s)', n.nspname, p.proname, t.list), p.proowner, p.proacl, 'f'::"char"
  from pg_catalog.pg_proc p
  join pg_catalog.pg_namespace n on n.oid = p.pronamespace
  join argument_types t on t.function_oid = p.oid
  union all
  select 'pg_catalog.pg_namespace'::regclass::oid, n.oid, 0, 'schema', quote_ident(n.nspname), n.nspowner, n.nspacl, 'n'::"char"
  from pg_catalog.pg_namespace n where n.nspname !~ '^pg_(temp|toast)'
  union all
  select 'pg_catalog.pg_database'::regclass::oid, d.oid, 0, 'database', quote_ident(d.datname), d.datdba, d.datacl, 'd'::"char"
  from pg_catalog.pg_database d
  union all
  select 'pg_catalog.pg_language'::regclass::oid, l.oid, 0, 'language', quote_ident(l.lanname), l.lanowner, l.lanacl, 'l'::"char"
  from pg_catalog.pg_language l
  union all
  select 'pg_catalog.pg_type'::regclass::oid, t.oid, 0, 'type', format('%I.%I', n.nspname, t.typname), t.typowner, t.typacl, 'T'::"char"
  from pg_catalog.pg_type t
  join pg_catalog.pg_namespace n on n.oid = t.typnamespace
  left join pg_catalog.pg_class c on c.oid = t.typrelid
  where t.typacl is not null or t.typtype in ('e', 'd', 'r') or t.typtype = 'c' and c.relkind = 'c'
  union all
  select 'pg_catalog.pg_largeobject'::regclass::oid, m.oid, 0, 'large object', m.oid::text, m.lomowner, m.lomacl, 'L'::"char"
  from pg_catalog.pg_largeobject_metadata m
  union all
  select 'pg_catalog.pg_tablespace'::regclass::oid, s.oid, 0, 'tablespace', quote_ident(s.spcname), s.spcowner, s.spcacl, 't'::"char"
  from pg_catalog.pg_tablespace s
  union all
  select 'pg_catalog.pg_foreign_data_wrapper'::regclass::oid, w.oid, 0, 'foreign data wrapper', quote_ident(w.fdwname), w.fdwowner, w.fdwacl, 'F'::"char"
  from pg_catalog.pg_foreign_data_wrapper w
  union all
  select 'pg_catalog.pg_foreign_server'::regclass::oid, s.oid, 0, 'foreign server', quote_ident(s.srvname), s.srvowner, s.srvacl, 'S'::"char"
  from pg_catalog.pg_foreign_server s
  union all
  select 'pg_catalog.pg_parameter_acl'::regclass::oid, p.oid, 0, 'parameter', quote_ident(p.parname), 10::oid, p.paracl, 'p'::"char"
  from pg_catalog.pg_parameter_acl p
),
judged as (
  select o.*,
    -- schema public is initdb's, but it is where people work: always shown
    o.oid < 16384 and not (o.default_kind = 'n' and o.name = 'public') or exists (select 1 from extension_member e where e.classid = o.class_oid and e.objid = o.oid) as of_system,
    case o.default_kind when 'c' then o.acl when 'p' then o.acl else coalesce(o.acl, acldefault(o.default_kind, o.owner)) end as acl_now,
    case
      when i.initprivs is not null then i.initprivs
      -- initdb loads information_schema after it took stock, so its ACLs stand nowhere: PUBLIC may read, that is all
      when o.oid < 16384 and o.default_kind = 'r' and o.name like 'information\_schema.%'
        then acldefault('r', o.owner) || makeaclitem(0, o.owner, 'SELECT', false)
      when o.oid < 16384 and o.default_kind = 'n' and o.name = 'information_schema'
        then acldefault('n', o.owner) || makeaclitem(0, o.owner, 'USAGE', false)
      -- initdb writes no initial ACL for these: what it gives is theirs by definition
      when o.default_kind = 'd' and o.oid < 16384 then coalesce(o.acl, acldefault('d', o.owner))
      when o.default_kind = 'c' or o.default_kind = 'p' then '{}'::aclitem[]
      else acldefault(o.default_kind, o.owner)
    end as acl_initial
  from object o
  left join pg_catalog.pg_init_privs i on i.classoid = o.class_oid and i.objoid = o.oid and i.objsubid = o.sub_id
),
shown as (
  select * from judged j
  where not j.of_system
    or j.default_kind = 'p'
    or exists (
      (select e.grantee, e.privilege_type, e.is_grantable from aclexplode(j.acl_now) e where e.grantee <> j.owner
       except select e.grantee, e.privilege_type, e.is_grantable from aclexplode(j.acl_initial) e)
      union all
      (select e.grantee, e.privilege_type, e.is_grantable from aclexplode(j.acl_initial) e
       where e.grantee <> j.owner and j.name not like 'information\_schema.%'
       except select e.grantee, e.privilege_type, e.is_grantable from aclexplode(j.acl_now) e)
    )
),
matrix (line) as (
  select format('role %s absent', quote_ident(asked.name)) from asked
  where not exists (select 1 from pg_catalog.pg_roles r where r.rolname = asked.name)
  union all
  select concat_ws(' ', 'role', quote_ident(r.rolname),
    case when r.rolcanlogin then 'login' else 'nologin' end,
    case when r.rolsuper then 'superuser' end, case when r.rolcreaterole then 'createrole' end,
    case when r.rolcreatedb then 'createdb' end, case when r.rolreplication then 'replication' end,
    case when r.rolbypassrls then 'bypassrls' end)
  from pg_catalog.pg_roles r join reached using (oid)
  union all
  select concat_ws(' ', 'member', quote_ident(m.rolname), 'of', quote_ident(r.rolname), case when e.admin then 'with admin' end)
  from edge e
  join pg_catalog.pg_roles m on m.oid = e.member
  join pg_catalog.pg_roles r on r.oid = e.roleid
  where e.member in (select oid from reached) or e.roleid in (select oid from reaching)
  union all
  select format('extension %I', e.extname) from pg_catalog.pg_extension e
  union all
  select format('owner %s of %s %s', g.name, s.kind, s.name)
  from judged s join grantee g on g.oid = s.owner and g.oid <> 0
  where s.default_kind <> 'c' and not s.of_system
  union all
  select concat_ws(' ', 'grant', lower(e.privilege_type), 'on', s.kind, s.name, 'to', g.name, case when e.is_grantable then 'with grant option' end)
  from shown s
  cross join lateral aclexplode(s.acl_now) e
  join grantee g on g.oid = e.grantee
  where e.grantee <> s.owner
  union all
  select concat_ws(' ', 'default', lower(e.privilege_type), 'on',
    case d.defaclobjtype when 'r' then 'tables' when 'S' then 'sequences' when 'f' then 'functions' when 'T' then 'types'
      when 'n' then 'schemas' else 'large objects' end,
    'in', coalesce(quote_ident(n.nspname), 'any schema'), 'made by', quote_ident(r.rolname), 'to', g.name,
    case when e.is_grantable then 'with grant option' end)
  from pg_catalog.pg_default_acl d
  join pg_catalog.pg_roles r on r.oid = d.defaclrole
  left join pg_catalog.pg_namespace n on n.oid = d.defaclnamespace
  cross join lateral aclexplode(d.defaclacl) e
  join grantee g on g.oid = e.grantee
  where e.grantee <> d.defaclrole
)
select distinct replace(replace(line, '\', '\\'), chr(10), '\n') collate "C" as line
from matrix
order by 1;
