-- What is wrong with published articles, found by rules after publications and
-- nightly, and what curators decided about it.
--
-- Findings hold articles' text only. What customers and agents wrote stays with
-- the tenant: proofs are rows of the tenant that name the conversation.

-- +goose Up
create table shared_findings (
  id          uuid not null,
  fingerprint text not null,               -- what it rests on; changed text makes another finding
  kind        text not null check (kind in ('contradiction', 'duplicate', 'stale', 'unused', 'harmful')),
  cause       text not null,
  article_id  uuid not null,
  other_id    uuid,                        -- the second article
  detail      jsonb not null default '{}',
  weight      int not null default 0,      -- what to look at first
  state       text not null default 'open' check (state in ('open', 'dismissed', 'gone')),
  note        text not null default '',    -- why it was dismissed
  settled_by  uuid,
  settled_at  timestamptz,
  first_seen_at timestamptz not null default now(),
  last_seen_at  timestamptz not null default now(),
  primary key (id),
  unique (fingerprint),
  foreign key (article_id) references shared_articles (id) on delete cascade
);
create index shared_findings_article on shared_findings (article_id);
grant select, insert, update, delete on shared_findings to usher_worker;

-- The second article may be a shared one.
create table tenant_findings (
  tenant_id   uuid not null references tenants (id),
  id          uuid not null,
  fingerprint text not null,
  kind        text not null check (kind in ('contradiction', 'duplicate', 'stale', 'unused', 'harmful')),
  cause       text not null,
  article_id  uuid not null,
  other_id    uuid,
  detail      jsonb not null default '{}',
  weight      int not null default 0,
  state       text not null default 'open' check (state in ('open', 'dismissed', 'gone')),
  note        text not null default '',
  settled_by  uuid,
  settled_at  timestamptz,
  first_seen_at timestamptz not null default now(),
  last_seen_at  timestamptz not null default now(),
  primary key (tenant_id, id),
  unique (tenant_id, fingerprint),
  foreign key (tenant_id, article_id) references tenant_articles (tenant_id, id) on delete cascade
);
create index tenant_findings_article on tenant_findings (tenant_id, article_id);
select usher.protect('tenant_findings');
revoke all on tenant_findings from usher_app;

-- A conversation that shows a finding, shared or a tenant's own.
create table finding_proofs (
  tenant_id       uuid not null,
  finding_id      uuid not null,
  message_id      uuid not null,
  kind            text not null check (kind in ('voted_down', 'escalated', 'corrected', 'agent_reply', 'reported')),
  conversation_id uuid not null,
  quote           text not null default '', -- of an agent, personal data masked
  at              timestamptz not null,
  primary key (tenant_id, finding_id, message_id, kind),
  foreign key (tenant_id, conversation_id) references conversations (tenant_id, id) on delete cascade
);
select usher.protect('finding_proofs');
revoke all on finding_proofs from usher_app;

-- When the rules last ran, over all spaces.
create table knowledge_checks (
  id          uuid primary key,
  at          timestamptz not null default now(),
  articles    int not null,
  findings    int not null,
  duration_ms int not null
);
grant select, insert, delete on knowledge_checks to usher_worker;

-- +goose Down
drop table knowledge_checks, finding_proofs, tenant_findings, shared_findings;
