-- Procedures: what is done, step by step, when a message is about an intent.
-- They are the operator's: versions are kept, a published one never changes. A
-- run is one conversation's way through one version.

-- +goose Up
create table procedures (
  key          text not null check (key ~ '^[a-z0-9_]{1,60}$'),
  version      int not null check (version > 0),
  intent       text not null,
  body         jsonb not null check (jsonb_typeof(body) = 'object'),
  state        text not null default 'draft' check (state in ('draft', 'published', 'retired')),
  published_at timestamptz,
  updated_at   timestamptz not null default now(),
  primary key (key, version)
);
-- One draft and one published version of a procedure, one published procedure of an intent.
create unique index procedures_one_draft on procedures (key) where state = 'draft';
create unique index procedures_one_published on procedures (key) where state = 'published';
create unique index procedures_one_of_intent on procedures (intent) where state = 'published';
grant select, insert, update, delete on procedures to usher_worker;

create table procedure_runs (
  tenant_id       uuid not null references tenants (id) on delete cascade,
  id              uuid not null,
  conversation_id uuid not null,
  key             text not null,
  version         int not null,
  step            text not null,             -- whose answer is waited for, or the last one
  opening         text not null default '',  -- the message it began with
  answers         jsonb not null default '{}',
  tries           int not null default 0,    -- answers to this question that did not fit
  taken           int not null default 0,    -- steps so far
  state           text not null check (state in ('waiting', 'done', 'cancelled', 'handed_over', 'taken_over')),
  seq             bigint not null,           -- of the message it last went on with
  started_at      timestamptz not null default now(),
  updated_at      timestamptz not null default now(),
  primary key (tenant_id, id),
  foreign key (tenant_id, conversation_id) references conversations (tenant_id, id) on delete cascade
);
select usher.protect('procedure_runs');
revoke insert, update, delete on procedure_runs from usher_app;
create unique index procedure_runs_one_waiting on procedure_runs (tenant_id, conversation_id) where state = 'waiting';

alter table decisions drop constraint decisions_route_check;
alter table decisions add constraint decisions_route_check
  check (route in ('acknowledge', 'status', 'answer', 'clarify', 'escalate', 'ignore', 'procedure'));

-- +goose Down
delete from decisions where route = 'procedure';
alter table decisions drop constraint decisions_route_check;
alter table decisions add constraint decisions_route_check
  check (route in ('acknowledge', 'status', 'answer', 'clarify', 'escalate', 'ignore'));
drop table procedure_runs, procedures;
