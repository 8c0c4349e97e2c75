-- How often people of a tenant did what in the portal, by day. Its purpose is to
-- see what is used and what is not, nothing else: no person, no text, no address
-- is in it. It is forgotten after 400 days.

-- +goose Up
create table usage_daily (
  tenant_id uuid not null references tenants (id) on delete cascade,
  day       date not null,
  action    text not null,
  role      text not null,
  n         bigint not null,
  primary key (tenant_id, day, action, role)
);
select usher.protect('usage_daily');

-- +goose Down
drop table usage_daily;
