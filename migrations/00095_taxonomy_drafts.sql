-- A draft of the taxonomy as its single steps, and what was done with it: shown
-- what it would change, published, an earlier state brought back. They are the
-- operator's, like the taxonomy; as_tenant only narrows whose messages are looked at.

-- +goose Up
create table taxonomy_edits (
  number     bigint generated always as identity primary key,
  edit       jsonb not null,
  created_by uuid,
  created_at timestamptz not null default now()
);
create table taxonomy_runs (
  id          uuid primary key,
  act         text not null check (act in ('preview', 'publish', 'restore')),
  state       text not null default 'queued' check (state in ('queued', 'running', 'done', 'refused', 'failed')),
  step        text not null default '',        -- what it is at, for whoever waits
  as_tenant   uuid references tenants (id) on delete cascade,
  past        int not null default 500,        -- messages looked at
  anyway      boolean not null default false,
  restores    uuid,                            -- of restore: the publication that is taken back
  edits       jsonb not null default '[]',
  last_edit   bigint not null default 0,       -- the number of the draft's last step then
  report      jsonb,
  before      jsonb,                           -- what a publication replaced; corrections without their texts
  why         text not null default '',        -- it was refused, or failed
  created_by  uuid,
  created_at  timestamptz not null default now(),
  finished_at timestamptz
);
create index on taxonomy_runs (created_at desc);
-- One at a time: whoever starts a second one is told to wait.
create unique index taxonomy_runs_one_at_a_time on taxonomy_runs ((true)) where state in ('queued', 'running');
grant select, insert, update, delete on taxonomy_edits, taxonomy_runs to usher_worker;

-- +goose Down
drop table taxonomy_runs, taxonomy_edits;
