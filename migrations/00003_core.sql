-- Who there is: tenants (customer organisations), their people, the operator's
-- staff, and every credential that proves one of them.
--
-- A credential's text starts with its tenant, so it is looked up inside that
-- tenant's policies; a forged tenant matches no hash. Staff belong to the
-- operator and have tables without a tenant, granted to the worker role only.

-- +goose Up
create table tenants (
  id               uuid primary key,
  slug             text not null unique check (slug ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
  name             text not null check (length(name) between 1 and 200),
  time_zone        text not null default 'UTC',
  locale           text not null default 'en',
  region           text not null default 'eu',
  plan             text not null default 'standard',
  tier             text not null default 'standard' check (tier in ('standard', 'premium', 'enterprise')),
  industry         text not null default 'saas',
  lifecycle_state  text not null default 'active'
    check (lifecycle_state in ('provisioning', 'active', 'live', 'suspended', 'offboarding', 'erased')),
  crm_account_ref  text,
  model_enabled    boolean not null default true,
  last_ticket_number bigint not null default 1000,
  created_at       timestamptz not null default now(),
  updated_at       timestamptz not null default now()
);
select usher.protect('tenants', 'id');
-- A slug is chosen by provisioning, which runs as the worker; customers cannot probe it.
revoke insert, delete on tenants from usher_app;

create table users (
  tenant_id        uuid not null references tenants (id),
  id               uuid not null,
  subject          text,
  email            text not null,
  email_normalized text not null,
  display_name     text not null,
  roles            text[] not null default '{member}',
  departments      text[] not null default '{}',
  state            text not null default 'active' check (state in ('invited', 'active', 'deactivated')),
  locale           text not null default 'en',
  time_zone        text,
  last_login_at    timestamptz,
  created_at       timestamptz not null default now(),
  primary key (tenant_id, id),
  unique (tenant_id, email_normalized),
  unique (tenant_id, subject)
);
select usher.protect('users');

create table staff (
  id               uuid primary key,
  email            text not null,
  email_normalized text not null unique,
  display_name     text not null,
  roles            text[] not null default '{agent}',
  teams            text[] not null default '{}',
  slack_user_id    text unique,
  state            text not null default 'active' check (state in ('active', 'away', 'deactivated')),
  created_at       timestamptz not null default now()
);
grant select, insert, update, delete on staff to usher_worker;

-- One-click sign-in links: used once, short-lived.
create table login_links (
  tenant_id  uuid not null,
  token_hash bytea not null,
  user_id    uuid not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  used_at    timestamptz,
  primary key (tenant_id, token_hash),
  foreign key (tenant_id, user_id) references users (tenant_id, id) on delete cascade
);
select usher.protect('login_links');

create table sessions (
  tenant_id    uuid not null,
  token_hash   bytea not null,
  user_id      uuid not null,
  created_at   timestamptz not null default now(),
  last_seen_at timestamptz not null default now(),
  expires_at   timestamptz not null,
  revoked_at   timestamptz,
  primary key (tenant_id, token_hash),
  foreign key (tenant_id, user_id) references users (tenant_id, id) on delete cascade
);
select usher.protect('sessions');

create table api_keys (
  tenant_id    uuid not null references tenants (id),
  id           uuid not null,
  name         text not null,
  token_hash   bytea not null,
  scopes       text[] not null default '{tickets:write}',
  created_at   timestamptz not null default now(),
  last_used_at timestamptz,
  revoked_at   timestamptz,
  primary key (tenant_id, id),
  unique (tenant_id, token_hash)
);
select usher.protect('api_keys');

create table staff_login_links (
  token_hash bytea primary key,
  staff_id   uuid not null references staff (id) on delete cascade,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  used_at    timestamptz
);
create table staff_sessions (
  token_hash   bytea primary key,
  staff_id     uuid not null references staff (id) on delete cascade,
  created_at   timestamptz not null default now(),
  last_seen_at timestamptz not null default now(),
  expires_at   timestamptz not null,
  revoked_at   timestamptz
);
grant select, insert, update, delete on staff_login_links, staff_sessions to usher_worker;

-- Answers to writes, by the caller's Idempotency-Key; kept for a day.
create table idempotency_keys (
  tenant_id    uuid not null references tenants (id),
  principal    text not null,
  key          text not null,
  request_hash bytea not null,
  status       int,
  response     jsonb,
  created_at   timestamptz not null default now(),
  primary key (tenant_id, principal, key)
);
select usher.protect('idempotency_keys');
create index on idempotency_keys (created_at);

-- Who did what. Insert-only for both runtime roles.
create table audit_events (
  tenant_id  uuid not null references tenants (id),
  id         uuid not null,
  at         timestamptz not null default now(),
  actor_kind text not null check (actor_kind in ('customer', 'staff', 'assistant', 'system', 'api_key')),
  actor_id   text not null default '',
  action     text not null,
  object     text not null default '',
  detail     jsonb not null default '{}',
  primary key (tenant_id, id)
);
select usher.protect('audit_events');
revoke update, delete on audit_events from usher_app, usher_worker;
create index on audit_events (tenant_id, at desc);

-- Webhook and Slack event ids, seen before their tenant is known. Global
-- uniqueness lives here, in a table no customer request can reach.
create table inbound_events (
  source      text not null,
  event_id    text not null,
  received_at timestamptz not null default now(),
  state       text not null default 'received' check (state in ('received', 'done', 'ignored', 'failed')),
  payload     bytea not null default '',
  headers     jsonb not null default '{}',
  error       text not null default '',
  primary key (source, event_id)
);
grant select, insert, update, delete on inbound_events to usher_worker;

-- +goose Down
drop table inbound_events, audit_events, idempotency_keys, staff_sessions, staff_login_links,
  api_keys, sessions, login_links, staff, users, tenants cascade;
