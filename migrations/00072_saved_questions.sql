-- Questions curators keep to see that answers stay right, and what became of
-- them each time they were run. They are the operator's; as_tenant says only as whose
-- person a question is asked.

-- +goose Up
create table saved_questions (
  id         uuid primary key,
  question   text not null check (length(question) between 1 and 2000),
  as_tenant  uuid references tenants (id) on delete cascade,
  role       text not null default 'member' check (role in ('visitor', 'member', 'manager', 'admin', 'agent')),
  locale     text not null default 'en',
  expect     text not null check (expect in ('answer', 'status', 'escalate', 'not_found')),
  article    text not null default '',          -- slug that must be cited; empty: any
  contains   text[] not null default '{}',
  lacks      text[] not null default '{}',
  created_by uuid,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create table question_runs (
  id        uuid primary key,
  cause     text not null,                      -- by hand, publish, ci
  passed    int not null,
  total     int not null,
  ran_at    timestamptz not null default now()
);
create table question_results (
  run_id      uuid not null references question_runs (id) on delete cascade,
  question_id uuid not null references saved_questions (id) on delete cascade,
  passed      boolean not null,
  why         text not null default '',
  outcome     jsonb not null,
  primary key (run_id, question_id)
);
create index on question_results (question_id);
grant select, insert, update, delete on saved_questions, question_runs, question_results to usher_worker;

-- +goose Down
drop table question_results, question_runs, saved_questions;
