-- What customers say of how a matter was settled. A row is one resolution: it is
-- asked about once, or never, and says why. Who settled it stands there as it was.

-- +goose Up
create table ratings (
  tenant_id       uuid not null references tenants (id) on delete cascade,
  id              uuid not null,
  conversation_id uuid not null,
  ticket_id       uuid,                        -- null: the assistant settled it alone
  user_id         uuid not null,
  settled_at      timestamptz not null,
  settled_by      text not null check (settled_by in ('assistant', 'person')),
  agent_id        uuid,
  agent_name      text not null default '',
  team            text not null default '',
  topic           text not null default '',
  present         boolean not null default false, -- the customer said so just now: no need to wait for the morning
  state           text not null default 'due' check (state in ('due', 'asked', 'skipped')),
  why             text not null default '' check (why in ('', 'off', 'asked_lately', 'reopened', 'merged', 'no_channel', 'too_late', 'inactive')),
  channel         text not null default '',    -- asked in: chat, email
  not_before      timestamptz not null,
  asked_at        timestamptz,
  open_until      timestamptz,
  score           smallint check (score between 1 and 5),
  comment         text not null default '' check (length(comment) <= 2000),
  rated_at        timestamptz,                 -- null again when it is withdrawn
  changes         int not null default 0,
  primary key (tenant_id, id),
  unique (tenant_id, conversation_id, settled_at),
  foreign key (tenant_id, conversation_id) references conversations (tenant_id, id) on delete cascade,
  foreign key (tenant_id, ticket_id) references tickets (tenant_id, id) on delete cascade,
  foreign key (tenant_id, user_id) references users (tenant_id, id) on delete cascade,
  check ((score is null) = (rated_at is null)),
  check ((state = 'asked') = (asked_at is not null and open_until is not null))
);
select usher.protect('ratings');
create index on ratings (tenant_id, user_id, asked_at);
create index on ratings (asked_at);
-- Who settled it, and why nobody was asked, is for the operator.
revoke select on ratings from usher_app;
grant select (tenant_id, id, conversation_id, ticket_id, user_id, settled_at, present, state, channel, not_before, asked_at, open_until, score, comment, rated_at, changes)
  on ratings to usher_app;

-- Whether a tenant's people are asked, and how often each at most.
create table rating_settings (
  tenant_id  uuid primary key references tenants (id) on delete cascade,
  asks       boolean not null default true,
  every_days int check (every_days between 0 and 365), -- null: the operator's
  updated_at timestamptz not null default now()
);
select usher.protect('rating_settings');
revoke all on rating_settings from usher_app;

-- +goose Down
drop table rating_settings;
drop table ratings;
