-- What a message said before its author changed it or took it back. People of
-- the desk can find it; customers are never shown it.

-- +goose Up
create table message_revisions (
  tenant_id  uuid not null,
  message_id uuid not null,
  number     int not null,                     -- 1 is what was said first
  body       text not null,
  by_kind    text not null,
  by_id      uuid,
  at         timestamptz not null default now(),
  primary key (tenant_id, message_id, number),
  foreign key (tenant_id, message_id) references messages (tenant_id, id) on delete cascade
);
select usher.protect('message_revisions');
revoke update on message_revisions from usher_app, usher_worker;
revoke delete on message_revisions from usher_app; -- erasure is the worker's

-- +goose Down
drop table message_revisions;
