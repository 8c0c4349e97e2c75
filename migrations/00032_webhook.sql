-- Addresses of a tenant's own systems that are told when its tickets change.
-- What is sent is a row in deliveries.

-- +goose Up
create table webhook_endpoints (
  tenant_id     uuid not null references tenants (id),
  id            uuid not null,
  url           text not null check (length(url) between 1 and 2000),
  events        text[] not null default '{*}',
  secrets       text[] not null,               -- whsec_…; two while rotating, the new one first
  state         text not null default 'active' check (state in ('active', 'disabled')),
  reason        text not null default '',      -- why it is disabled
  failing_since timestamptz,
  created_at    timestamptz not null default now(),
  updated_at    timestamptz not null default now(),
  primary key (tenant_id, id)
);
select usher.protect('webhook_endpoints');

-- +goose Down
drop table webhook_endpoints;
