-- What a session runs with, whoever set it: asked once, first, on every connection. Role: any login. Locks: none.
-- In: $1 names of settings. Out: one row per setting (value null: this server has none, or nobody gave it a value), with the place its
-- value comes from (unknown: the server does not tell); and in each row who the session is.
select s.name, pg_catalog.current_setting(s.name, true) as value, coalesce(p.source, 'unknown') as source,
  session_user::text as session_role, current_user::text as current_role_name
from pg_catalog.unnest($1::pg_catalog.text[]) with ordinality as s (name, position)
left join pg_catalog.pg_settings p on p.name = s.name
order by s.position;
