-- What is proposed for the taxonomy: a value for questions that fit none, two
-- values that are taken for each other, a value nobody needs. A subject is
-- proposed once; what a curator turned down does not come back. No customer's
-- words are in it: examples are read where they were asked.

-- +goose Up
create table taxonomy_suggestions (
  id         uuid primary key,
  kind       text not null check (kind in ('new', 'overlap', 'unused')),
  subject    text not null unique,
  state      text not null default 'open' check (state in ('open', 'accepted', 'dismissed', 'expired')),
  detail     jsonb not null default '{}',
  weight     double precision not null default 0,  -- the strongest come first
  settled_by uuid,
  settled_at timestamptz,
  created_at timestamptz not null default now()
);
create index on taxonomy_suggestions (state, weight desc);
grant select, insert, update, delete on taxonomy_suggestions to usher_worker;

-- +goose Down
drop table taxonomy_suggestions;
