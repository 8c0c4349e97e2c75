-- Conversations, messages and their events; tickets; what the engine decided
-- and why; hand-offs to people and every effect outside the database.
--
-- Events of one conversation are numbered under the conversation's row lock, so
-- a reader that remembers the last number misses nothing (a sequence would
-- become visible out of order).

-- +goose Up
create table conversations (
  tenant_id        uuid not null references tenants (id),
  id               uuid not null,
  user_id          uuid,                       -- null: no signed-in person (integration errors)
  channel          text not null check (channel in ('chat', 'api', 'email', 'slack', 'integration')),
  subject          text not null default '',
  state            text not null default 'open' check (state in ('open', 'with_person', 'solved', 'closed')),
  assistant        text not null default 'on' check (assistant in ('on', 'off')),
  language         text not null default '',
  last_seq         bigint not null default 0,  -- last event number given out
  customer_read_seq bigint not null default 0,
  last_line        text not null default '',
  last_author      text not null default '',
  clarifications   int not null default 0,     -- clarifying questions asked since the last answer
  created_at       timestamptz not null default now(),
  updated_at       timestamptz not null default now(),
  primary key (tenant_id, id),
  foreign key (tenant_id, user_id) references users (tenant_id, id)
);
select usher.protect('conversations');
create index on conversations (tenant_id, user_id, updated_at desc, id desc);
create index on conversations (tenant_id, updated_at desc, id desc);

create table messages (
  tenant_id       uuid not null,
  id              uuid not null,
  conversation_id uuid not null,
  seq             bigint not null,             -- number of the event that created it
  author_kind     text not null check (author_kind in ('customer', 'assistant', 'agent', 'system')),
  author_id       uuid,
  author_name     text not null default '',
  visibility      text not null check (visibility in ('customer', 'internal')),
  body            text not null,
  language        text not null default '',
  client_key      text,                        -- the sender's own id; makes a resend the same message
  in_reply_to     uuid,                        -- the customer message an automatic reply answers
  answer          jsonb,                       -- evidence class, basis, citations, options of an automatic reply
  state           text not null default 'final' check (state in ('streaming', 'final', 'stopped', 'deleted')),
  created_at      timestamptz not null default now(),
  edited_at       timestamptz,
  primary key (tenant_id, id),
  unique (tenant_id, conversation_id, client_key),
  foreign key (tenant_id, conversation_id) references conversations (tenant_id, id) on delete cascade
);
select usher.protect('messages');
create index on messages (tenant_id, conversation_id, seq);
-- One automatic reply to one customer message, whatever is retried.
create unique index messages_one_reply on messages (tenant_id, in_reply_to) where in_reply_to is not null;

create table conversation_events (
  tenant_id       uuid not null,
  conversation_id uuid not null,
  seq             bigint not null,
  kind            text not null,
  visibility      text not null check (visibility in ('customer', 'internal')),
  payload         jsonb not null,
  created_at      timestamptz not null default now(),
  primary key (tenant_id, conversation_id, seq),
  foreign key (tenant_id, conversation_id) references conversations (tenant_id, id) on delete cascade
);
select usher.protect('conversation_events');

create table tickets (
  tenant_id       uuid not null,
  id              uuid not null,
  number          bigint not null,
  conversation_id uuid not null,
  user_id         uuid,
  subject         text not null,
  summary         text not null default '',    -- for agents
  origin          text not null check (origin in ('chat', 'api', 'email', 'slack', 'integration_error')),
  dedup_key       text,                        -- open tickets are unique by it
  customer_state  text not null default 'received'
    check (customer_state in ('received', 'working_on_it', 'waiting_for_you', 'solved')),
  internal_state  text not null default 'new'
    check (internal_state in ('new', 'open', 'pending', 'on_hold', 'snoozed', 'solved', 'closed')),
  priority        text not null default 'normal' check (priority in ('urgent', 'high', 'normal', 'low')),
  intent          text not null default '',
  product_area    text not null default '',
  language        text not null default '',
  sentiment       text not null default '',
  team            text not null default '',
  reason          text not null default '',    -- of the latest escalation
  assignee_id     uuid,
  assignee_name   text not null default '',
  snoozed_until   timestamptz,
  solved_at       timestamptz,
  closed_at       timestamptz,
  resolution      text not null default '' check (resolution in ('', 'confirmed', 'assumed', 'reopened', 'escalated', 'wrong')),
  version         bigint not null default 1,   -- grows with every change agents can see
  last_public_message_at timestamptz,
  created_at      timestamptz not null default now(),
  updated_at      timestamptz not null default now(),
  primary key (tenant_id, id),
  unique (tenant_id, number),
  foreign key (tenant_id, conversation_id) references conversations (tenant_id, id)
);
select usher.protect('tickets');
create unique index tickets_one_open_per_key on tickets (tenant_id, dedup_key)
  where dedup_key is not null and internal_state not in ('solved', 'closed');
-- A conversation has at most one ticket that is not closed.
create unique index tickets_one_open_per_conversation on tickets (tenant_id, conversation_id)
  where internal_state <> 'closed';
create index on tickets (tenant_id, user_id, updated_at desc, id desc);
create index on tickets (tenant_id, updated_at desc, id desc);
create index on tickets (internal_state, updated_at desc);

-- Everything that happened to a ticket, for agents and for the counts.
create table ticket_events (
  tenant_id  uuid not null,
  id         uuid not null,
  ticket_id  uuid not null,
  at         timestamptz not null default now(),
  kind       text not null,
  actor_kind text not null check (actor_kind in ('customer', 'staff', 'assistant', 'system', 'crm')),
  actor_id   text not null default '',
  actor_name text not null default '',
  detail     jsonb not null default '{}',
  primary key (tenant_id, id),
  foreign key (tenant_id, ticket_id) references tickets (tenant_id, id) on delete cascade
);
select usher.protect('ticket_events');
create index on ticket_events (tenant_id, ticket_id, at);

create table escalations (
  tenant_id  uuid not null,
  id         uuid not null,
  ticket_id  uuid not null,
  message_id uuid,                             -- the customer message handed over
  reason     text not null,
  summary    text not null,
  findings   jsonb not null default '{}',
  created_at timestamptz not null default now(),
  primary key (tenant_id, id),
  unique (tenant_id, message_id),
  foreign key (tenant_id, ticket_id) references tickets (tenant_id, id) on delete cascade
);
select usher.protect('escalations');

create table classifications (
  tenant_id       uuid not null,
  id              uuid not null,
  message_id      uuid not null,
  conversation_id uuid not null,
  intent          text not null,               -- '' when none fits
  confidence      double precision not null check (confidence between 0 and 1),
  product_area    text not null default '',
  priority        text not null default 'normal',
  language        text not null default '',
  sentiment       text not null default 'neutral',
  team            text not null default '',
  labels          jsonb not null default '[]', -- runner-up intents with scores
  entities        jsonb not null default '[]',
  explanation     jsonb not null default '[]', -- words and examples that decided
  engine          text not null,
  engine_version  text not null,
  prompt_version  text not null default '',
  corrected_intent text,
  corrected_by    text,
  corrected_at    timestamptz,
  created_at      timestamptz not null default now(),
  primary key (tenant_id, id),
  unique (tenant_id, message_id),
  foreign key (tenant_id, message_id) references messages (tenant_id, id) on delete cascade
);
select usher.protect('classifications');
create index on classifications (tenant_id, conversation_id, created_at);

-- One run over one customer message: what was looked up, what was said, why.
create table decisions (
  tenant_id       uuid not null,
  id              uuid not null,
  message_id      uuid not null,
  conversation_id uuid not null,
  reply_id        uuid,
  route           text not null check (route in ('acknowledge', 'status', 'answer', 'clarify', 'escalate', 'ignore')),
  outcome         text not null check (outcome in ('sent', 'suggested', 'escalated', 'stopped', 'ignored')),
  reason          text not null default '',
  evidence        text not null default 'none' check (evidence in ('known_state', 'documents', 'none')),
  query           text not null default '',
  passages        jsonb not null default '[]',
  basis           jsonb not null default '[]',
  gate            jsonb not null default '{}',
  guard           jsonb not null default '{}',
  engine          text not null default 'builtin',
  versions        jsonb not null default '{}',
  prompt_tokens   int not null default 0,
  output_tokens   int not null default 0,
  cost_microusd   bigint not null default 0,
  duration_ms     int not null default 0,
  created_at      timestamptz not null default now(),
  primary key (tenant_id, id),
  unique (tenant_id, message_id),
  foreign key (tenant_id, message_id) references messages (tenant_id, id) on delete cascade
);
select usher.protect('decisions');
create index on decisions (tenant_id, created_at desc);

create table feedback (
  tenant_id  uuid not null,
  message_id uuid not null,
  user_id    uuid not null,
  vote       text not null check (vote in ('helpful', 'not_helpful')),
  reason     text not null default '',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (tenant_id, message_id, user_id),
  foreign key (tenant_id, message_id) references messages (tenant_id, id) on delete cascade
);
select usher.protect('feedback');

-- The operator's taxonomy: what a message can be about, and what follows.
create table taxonomy_values (
  dimension   text not null check (dimension in ('intent', 'product_area', 'team')),
  value       text not null check (length(value) between 1 and 100),
  description text not null default '',
  route       text not null default 'answer'
    check (route in ('acknowledge', 'status', 'answer', 'clarify', 'escalate')),
  team        text not null default '',
  priority    text not null default '' check (priority in ('', 'urgent', 'high', 'normal', 'low')),
  sensitive   boolean not null default false,  -- always a person's work
  enabled     boolean not null default true,
  updated_at  timestamptz not null default now(),
  primary key (dimension, value)
);
create table taxonomy_examples (
  id         uuid primary key,
  dimension  text not null,
  value      text not null,
  language   text not null default 'en',
  text       text not null,
  source     text not null default 'shipped' check (source in ('shipped', 'curator', 'correction')),
  created_at timestamptz not null default now(),
  foreign key (dimension, value) references taxonomy_values (dimension, value) on delete cascade
);
create unique index on taxonomy_examples (dimension, value, md5(text));
grant select on taxonomy_values, taxonomy_examples to usher_app;
grant select, insert, update, delete on taxonomy_values, taxonomy_examples to usher_worker;

-- Where a ticket lives outside: one record per system.
create table ticket_links (
  tenant_id   uuid not null,
  ticket_id   uuid not null,
  system      text not null,                   -- slack, hubspot, salesforce
  external_id text not null,
  url         text not null default '',
  detail      jsonb not null default '{}',
  created_at  timestamptz not null default now(),
  updated_at  timestamptz not null default now(),
  primary key (tenant_id, ticket_id, system),
  unique (tenant_id, system, external_id),
  foreign key (tenant_id, ticket_id) references tickets (tenant_id, id) on delete cascade
);
select usher.protect('ticket_links');

-- Every effect outside the database, one row each; the row is the idempotency key.
create table deliveries (
  tenant_id      uuid not null,
  id             uuid not null,
  ticket_id      uuid,
  destination    text not null,                -- slack, hubspot, salesforce, email, webhook
  kind           text not null,                -- root, thread, record, note, …
  subject_key    text not null,
  state          text not null default 'pending'
    check (state in ('pending', 'sending', 'delivered', 'failed', 'discarded')),
  attempts       int not null default 0,
  payload        jsonb not null default '{}',
  external_ref   jsonb not null default '{}',
  last_error     text not null default '',
  next_attempt_at timestamptz,
  created_at     timestamptz not null default now(),
  updated_at     timestamptz not null default now(),
  delivered_at   timestamptz,
  primary key (tenant_id, id),
  unique (tenant_id, destination, subject_key),
  foreign key (tenant_id, ticket_id) references tickets (tenant_id, id) on delete cascade
);
select usher.protect('deliveries');
create index on deliveries (state, updated_at desc);
create index on deliveries (tenant_id, ticket_id, created_at);

-- +goose Down
drop table deliveries, ticket_links, taxonomy_examples, taxonomy_values, feedback, decisions,
  classifications, escalations, ticket_events, tickets, conversation_events, messages, conversations cascade;
