-- The desk's own tables: order and leases of deliveries, pauses of whole
-- destinations, relations between tickets, drafts offered to agents, and what a
-- CRM last told us (so an echo is known as one).

-- +goose Up

-- position orders the effects of one ticket; wanted and sent count the changes
-- of an effect that is repeated (a root message, a CRM record), so that changes
-- made while one is under way are coalesced into one more.
alter table deliveries
  add column position bigint generated always as identity,
  add column wanted   bigint not null default 1,
  add column sent     bigint not null default 0,
  add column first_tried_at timestamptz,
  add column batch    uuid;                    -- posts that leave together after an outage
create index on deliveries (tenant_id, ticket_id, destination, position) where state in ('pending', 'sending', 'failed');

alter table tickets
  add column closed_as text not null default '' check (closed_as in ('', 'settled', 'not_a_request', 'merged')),
  add column first_replied_at timestamptz,
  add column waiting_since timestamptz,        -- oldest customer message no person has answered yet
  add column escalated_at timestamptz;         -- raised to the lead

-- Inbound events find their ticket by where it is outside.
create index on ticket_links (system, external_id);

-- Who carries out a ticket's effects at one destination right now. A lease, not
-- a lock: no transaction is open while Slack or a CRM is called.
create table delivery_lanes (
  tenant_id   uuid not null,
  ticket_id   uuid not null,
  destination text not null,
  lease       uuid,
  lease_until timestamptz not null,
  primary key (tenant_id, ticket_id, destination),
  foreign key (tenant_id, ticket_id) references tickets (tenant_id, id) on delete cascade
);
select usher.protect('delivery_lanes');

-- A rate limit is a pause of the whole destination, for every tenant.
create table delivery_pauses (
  destination  text primary key,
  paused_until timestamptz not null,
  reason       text not null default ''
);
grant select, insert, update, delete on delivery_pauses to usher_worker;

-- A destination that has not taken anything for a while: people are told once.
create table delivery_outages (
  destination text primary key,
  since       timestamptz not null,
  told_at     timestamptz not null
);
grant select, insert, update, delete on delivery_outages to usher_worker;

create table ticket_relations (
  tenant_id  uuid not null,
  ticket_id  uuid not null,
  related_id uuid not null,
  kind       text not null check (kind in ('follow_up_of', 'merged_into', 'split_from')),
  created_at timestamptz not null default now(),
  primary key (tenant_id, ticket_id, related_id, kind),
  foreign key (tenant_id, ticket_id) references tickets (tenant_id, id) on delete cascade,
  foreign key (tenant_id, related_id) references tickets (tenant_id, id) on delete cascade
);
select usher.protect('ticket_relations');
create index on ticket_relations (tenant_id, related_id);

-- Answers suggested to agents and what became of them.
create table drafts (
  tenant_id  uuid not null,
  id         uuid not null,
  ticket_id  uuid not null,
  message_id uuid,                             -- the customer message it answers
  body       text not null,
  sources    jsonb not null default '[]',
  state      text not null default 'offered' check (state in ('offered', 'used', 'edited', 'ignored')),
  sent_id    uuid,                             -- the reply it became
  staff_id   uuid,
  created_at timestamptz not null default now(),
  decided_at timestamptz,
  primary key (tenant_id, id),
  foreign key (tenant_id, ticket_id) references tickets (tenant_id, id) on delete cascade
);
select usher.protect('drafts');
create index on drafts (tenant_id, ticket_id, created_at);

-- The last value of each field that went to a CRM or came from it, and when.
create table crm_fields (
  tenant_id  uuid not null,
  ticket_id  uuid not null,
  system     text not null,
  field      text not null,
  value      text not null,
  source     text not null check (source in ('usher', 'crm')),
  at         timestamptz not null,
  primary key (tenant_id, ticket_id, system, field),
  foreign key (tenant_id, ticket_id) references tickets (tenant_id, id) on delete cascade
);
select usher.protect('crm_fields');

-- How far each CRM that is polled was read.
create table crm_cursors (
  system text primary key,
  at     timestamptz not null
);
grant select, insert, update, delete on crm_cursors to usher_worker;

-- +goose Down
drop table crm_cursors, crm_fields, drafts, ticket_relations, delivery_outages, delivery_pauses, delivery_lanes;
alter table tickets drop column closed_as, drop column first_replied_at, drop column waiting_since, drop column escalated_at;
alter table deliveries drop column position, drop column wanted, drop column sent, drop column first_tried_at, drop column batch;
