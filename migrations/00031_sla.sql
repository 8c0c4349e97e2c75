-- Promised times: a tenant's own targets and business hours, and the clocks that
-- measure them. Without rows of its own a tenant has the operator's defaults.

-- +goose Up
create table sla_policies (
  tenant_id      uuid not null references tenants (id),
  priority       text not null check (priority in ('urgent', 'high', 'normal', 'low')),
  metric         text not null check (metric in ('first_reply', 'next_reply', 'resolution')),
  target_minutes int not null check (target_minutes > 0),
  always         boolean not null default false, -- counts round the clock instead of in business hours
  primary key (tenant_id, priority, metric)
);
select usher.protect('sla_policies');

create table business_calendars (
  tenant_id uuid primary key references tenants (id),
  time_zone text not null default 'UTC',
  hours     jsonb not null,                    -- {"mon": [["09:00","17:00"]], …}
  holidays  jsonb not null default '[]'        -- ["2026-12-25", …]
);
select usher.protect('business_calendars');

create table sla_clocks (
  tenant_id      uuid not null,
  id             uuid not null,
  ticket_id      uuid not null,
  metric         text not null check (metric in ('first_reply', 'next_reply', 'resolution')),
  priority       text not null,
  target_seconds bigint not null check (target_seconds > 0),
  always         boolean not null default false,
  state          text not null default 'running' check (state in ('running', 'paused', 'stopped')),
  started_at     timestamptz not null,
  resumed_at     timestamptz not null,         -- start of the stretch now counted
  used_seconds   bigint not null default 0,    -- business time counted before it
  paused_at      timestamptz,
  pause_reason   text not null default '' check (pause_reason in ('', 'waiting_for_customer', 'on_hold', 'snoozed')),
  warn_at        timestamptz,
  due_at         timestamptz,
  warned_at      timestamptz,
  breached_at    timestamptz,
  stopped_at     timestamptz,
  outcome        text not null default '' check (outcome in ('', 'met', 'breached', 'cancelled')),
  primary key (tenant_id, id),
  foreign key (tenant_id, ticket_id) references tickets (tenant_id, id) on delete cascade
);
select usher.protect('sla_clocks');
create unique index sla_clocks_one_running on sla_clocks (tenant_id, ticket_id, metric) where state <> 'stopped';
create index on sla_clocks (state, due_at) where breached_at is null;
create index on sla_clocks (state, warn_at) where warned_at is null;

-- +goose Down
drop table sla_clocks, business_calendars, sla_policies;
