-- What a member of staff narrowed their queue in Slack to.

-- +goose Up
create table home_filters (
  staff_id  uuid primary key references staff (id) on delete cascade,
  customer  uuid references tenants (id) on delete set null,
  priority  text not null default '',
  team      text not null default ''
);
grant select, insert, update, delete on home_filters to usher_worker;

-- +goose Down
drop table home_filters;
