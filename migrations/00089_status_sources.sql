-- Outside systems that status answers are read from, as curators store them.
-- They are the operator's, so no tenant's; the secret is for the worker role only
-- and is never read back to a screen. Beside them, the number by which such a
-- system knows a tenant: it is put into addresses by the server, never by an asker.

-- +goose Up
create table status_sources (
  name       text primary key check (name ~ '^[a-z0-9_]{1,60}$'),
  body       jsonb not null check (jsonb_typeof(body) = 'object'),
  secret     text not null default '',
  enabled    boolean not null default false,
  revision   bigint not null default 1,
  updated_at timestamptz not null default now()
);
grant select, insert, update, delete on status_sources to usher_worker;

create table status_source_customers (
  tenant_id uuid not null references tenants (id) on delete cascade,
  source    text not null,
  customer  text not null check (length(customer) between 1 and 200),
  primary key (tenant_id, source)
);
select usher.protect('status_source_customers');
revoke insert, update, delete on status_source_customers from usher_app;

-- +goose Down
drop table status_source_customers, status_sources;
