-- Colleagues who were asked about one ticket, directly and without the channel.
-- They see that ticket until it ends or they are taken off. What they were sent
-- are rows of deliveries.

-- +goose Up
create table ticket_collaborators (
  tenant_id   uuid not null,
  id          uuid not null,
  ticket_id   uuid not null,
  system      text not null,               -- where they are reached: slack
  person      text not null,               -- their id there
  name        text not null default '',
  question    text not null,
  asked_by    text not null default '',    -- the agent's name
  asked_at    timestamptz not null,
  asked_seq   bigint not null,             -- the conversation's messages up to here are in the question, later ones follow it
  place       text not null default '',    -- of the message that asks them, once it stands there
  ended_at    timestamptz,
  ended_why   text not null default '' check (ended_why in ('', 'removed', 'solved', 'closed')),
  primary key (tenant_id, id),
  check ((ended_at is null) = (ended_why = '')),
  foreign key (tenant_id, ticket_id) references tickets (tenant_id, id) on delete cascade
);
select usher.protect('ticket_collaborators');
create unique index ticket_collaborators_once on ticket_collaborators (tenant_id, ticket_id, system, person) where ended_at is null;
create index on ticket_collaborators (system, place) where place <> '';
create index on ticket_collaborators (system, person) where ended_at is null;

-- +goose Down
drop table ticket_collaborators;
