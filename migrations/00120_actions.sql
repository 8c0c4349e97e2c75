-- Actions: writes to other systems, as curators define them. They are the
-- operator's, so no tenant's; the secret is for the worker role only and is never
-- read back to a screen.
--
-- An action is only ever proposed. A proposal holds the exact request; it is sent
-- after one member of staff has approved it, and the database itself refuses an
-- attempt without that approval.

-- +goose Up
create table actions (
  key        text primary key check (key ~ '^[a-z0-9_]{1,60}$'),
  body       jsonb not null check (jsonb_typeof(body) = 'object'),
  secret     text not null default '',
  enabled    boolean not null default false,
  revision   bigint not null default 1,
  updated_at timestamptz not null default now()
);
grant select, insert, update, delete on actions to usher_worker;

create table action_proposals (
  tenant_id       uuid not null references tenants (id) on delete cascade,
  id              uuid not null,                -- also the key the other system knows a repeated request by
  ticket_id       uuid not null,
  conversation_id uuid not null,
  action          text not null,
  revision        bigint not null,              -- of the definition it was made from
  title           text not null,
  words           text not null,                -- what it does, in the customer's language
  done            text not null,                -- that it has happened, in the customer's language
  language        text not null,
  parameters      jsonb not null,               -- label and value, in order
  request         jsonb not null,               -- exactly what is sent, but for the secret
  requester_kind  text not null check (requester_kind in ('customer', 'staff')),
  requester_id    uuid not null,
  requester_name  text not null,
  subject_key     text not null,                -- what asked for it: asked twice, proposed once
  state           text not null default 'proposed'
    check (state in ('proposed', 'approved', 'running', 'done', 'failed', 'unknown', 'declined', 'expired', 'invalid')),
  outcome         text not null default '',     -- for agents
  decided_by      uuid,
  decided_name    text not null default '',
  decided_at      timestamptz,
  expires_at      timestamptz not null,
  next_at         timestamptz,                  -- when it is tried again
  created_at      timestamptz not null,
  updated_at      timestamptz not null,
  primary key (tenant_id, id),
  unique (tenant_id, subject_key),
  foreign key (tenant_id, ticket_id) references tickets (tenant_id, id) on delete cascade,
  foreign key (tenant_id, conversation_id) references conversations (tenant_id, id) on delete cascade
);
select usher.protect('action_proposals');
create index on action_proposals (tenant_id, ticket_id);
create index on action_proposals (state, updated_at) where state in ('proposed', 'approved', 'running', 'unknown');

-- One approval at most, by whoever was first; it is never changed.
create table action_approvals (
  tenant_id   uuid not null,
  proposal_id uuid not null,
  staff_id    uuid not null,
  staff_name  text not null,
  revision    bigint not null,
  at          timestamptz not null,
  primary key (tenant_id, proposal_id),
  foreign key (tenant_id, proposal_id) references action_proposals (tenant_id, id) on delete cascade
);
select usher.protect('action_approvals');

-- One row for each time a request was sent, written before it is. The foreign
-- key is the promise: no approval, no attempt.
create table action_attempts (
  tenant_id   uuid not null,
  proposal_id uuid not null,
  number      int not null check (number > 0),
  started_at  timestamptz not null,
  ended_at    timestamptz,
  outcome     text not null default '' check (outcome in ('', 'done', 'refused', 'not_sent', 'later', 'unknown')),
  status      int not null default 0,
  detail      text not null default '',
  primary key (tenant_id, proposal_id, number),
  foreign key (tenant_id, proposal_id) references action_approvals (tenant_id, proposal_id) on delete cascade
);
select usher.protect('action_attempts');

-- Customers read of it in their conversation and their ticket, not here.
revoke all on action_proposals, action_approvals, action_attempts from usher_app;
revoke update on action_approvals from usher_worker; -- deleted only when a tenant is erased

-- +goose Down
drop table action_attempts, action_approvals, action_proposals, actions;
