-- Drafts of articles proposed from tickets that people solved. Each ticket is
-- looked at once; nothing becomes knowledge before a curator has taken it.

-- +goose Up
create table proposals (
  tenant_id  uuid not null references tenants (id) on delete cascade,
  id         uuid not null,
  ticket_id  uuid not null,
  kind       text not null check (kind in ('create', 'update', 'nothing')),
  state      text not null default 'open' check (state in ('open', 'accepted', 'rejected', 'expired', 'none')),
  title      text not null default '',          -- personal data masked, as in body
  body       text not null default '',
  article_id uuid,                              -- the shared article to update, or the one that was made
  same_as    uuid,                              -- an earlier open proposal this ticket is further proof of
  why        text not null default '',
  settled_by uuid,
  settled_at timestamptz,
  created_at timestamptz not null default now(),
  primary key (tenant_id, id),
  unique (tenant_id, ticket_id),
  foreign key (tenant_id, ticket_id) references tickets (tenant_id, id) on delete cascade
);
select usher.protect('proposals');
create index on proposals (tenant_id, created_at desc);

-- +goose Down
drop table proposals;
