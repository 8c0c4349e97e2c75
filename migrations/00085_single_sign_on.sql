-- Signing in at an organisation's own provider (OpenID Connect), and links asked
-- for by mail. A connection is data: which provider, under which client id, for
-- which domains of addresses, and what its claims mean here. The client's secret
-- is not in it, only the name of the setting that holds it.
--
-- An attempt is one way to the provider and back. It keeps hashes: what proves
-- the attempt (PKCE verifier, nonce) is derived from a secret in the browser.

-- +goose Up
create table sso_connections (
  tenant_id         uuid not null references tenants (id) on delete cascade,
  issuer            text not null check (length(issuer) between 1 and 500),
  client_id         text not null check (length(client_id) between 1 and 300),
  secret_env        text not null default '',
  domains           text[] not null check (cardinality(domains) > 0),
  just_in_time      boolean not null default false,
  roles_claim       text not null default '',
  roles             jsonb not null default '{}',
  default_roles     text[] not null default '{}',
  departments_claim text not null default '',
  departments       jsonb not null default '{}',
  networks          text[] not null default '{}',
  enabled           boolean not null default true,
  updated_at        timestamptz not null default now(),
  primary key (tenant_id)
);
select usher.protect('sso_connections');
revoke insert, update, delete on sso_connections from usher_app;

create table staff_sso_connection (
  only_one          boolean primary key default true check (only_one),
  issuer            text not null check (length(issuer) between 1 and 500),
  client_id         text not null check (length(client_id) between 1 and 300),
  secret_env        text not null default '',
  domains           text[] not null check (cardinality(domains) > 0),
  just_in_time      boolean not null default false,
  roles_claim       text not null default '',
  roles             jsonb not null default '{}',
  default_roles     text[] not null default '{}',
  departments_claim text not null default '',
  departments       jsonb not null default '{}',
  networks          text[] not null default '{}',
  enabled           boolean not null default true,
  updated_at        timestamptz not null default now()
);
grant select, insert, update, delete on staff_sso_connection to usher_worker;

create table sso_attempts (
  tenant_id    uuid not null references tenants (id) on delete cascade,
  state_hash   bytea not null,
  browser_hash bytea not null,
  issuer       text not null,
  return_to    text not null default '',
  expires_at   timestamptz not null,
  primary key (tenant_id, state_hash)
);
select usher.protect('sso_attempts');

create table staff_sso_attempts (
  state_hash   bytea primary key,
  browser_hash bytea not null,
  issuer       text not null,
  return_to    text not null default '',
  expires_at   timestamptz not null
);
grant select, insert, update, delete on staff_sso_attempts to usher_worker;

-- Who the provider's person is, beside users.subject of customers.
alter table staff add column subject text unique;

-- When the person last proved who they are, beyond opening a link.
alter table sessions add column fresh_at timestamptz;
alter table staff_sessions add column fresh_at timestamptz;

-- Links people ask for by mail, known or not: the job that sends them must take
-- as long for both. The address goes as soon as the mail has left; what stays
-- for an hour are hashes that slow down whoever asks too often.
create table sign_in_requests (
  id           uuid primary key,
  address      text not null default '',
  address_hash bytea not null,
  origin_hash  bytea not null,
  return_to    text not null default '',
  language     text not null default 'en',
  created_at   timestamptz not null default now()
);
create index on sign_in_requests (address_hash, created_at);
create index on sign_in_requests (origin_hash, created_at);
grant select, insert, update, delete on sign_in_requests to usher_worker;

-- +goose Down
drop table sign_in_requests;
alter table staff_sessions drop column fresh_at;
alter table sessions drop column fresh_at;
alter table staff drop column subject;
drop table staff_sso_attempts;
drop table sso_attempts;
drop table staff_sso_connection;
drop table sso_connections;
