-- Where a ticket stood outside before: a root somebody deleted was posted anew,
-- and what people write in the thread of the old one still belongs to the ticket.

-- +goose Up
create table former_links (
  tenant_id   uuid not null,
  ticket_id   uuid not null,
  system      text not null,
  external_id text not null,
  until       timestamptz not null,
  primary key (tenant_id, system, external_id),
  foreign key (tenant_id, ticket_id) references tickets (tenant_id, id) on delete cascade
);
select usher.protect('former_links');
create index on former_links (system, external_id); -- inbound events find their ticket by it
create index on former_links (tenant_id, ticket_id);

-- +goose Down
drop table former_links;
