-- Rows of the business beside the cutter's: no run may ever change one of them. Role: workflow_admin, once.
-- Landed when: select count(*) from business.invoice gives 500.
create schema business;
create table business.customer (
  id integer primary key,
  name text not null,
  note text
);
create table business.invoice (
  id integer primary key,
  customer_id integer not null references business.customer (id),
  amount numeric(12, 2) not null,
  issued_on date not null
);
insert into business.customer (id, name, note)
select n, 'Customer ' || n, case when n % 7 = 0 then 'pays late' end from generate_series(1, 50) as n;
insert into business.invoice (id, customer_id, amount, issued_on)
select n, 1 + n % 50, n * 3.17, date '2024-01-01' + n from generate_series(1, 500) as n;
revoke all on schema business from public;
grant usage on schema business to directus;
grant select, insert, update, delete on all tables in schema business to directus;
