-- Tokens of a model that a tenant used on a day, counted by every process alike,
-- and a tenant's own limit where it is not the operator's.
-- +goose Up
create table model_days (
  tenant_id uuid not null references tenants (id) on delete cascade,
  day       date not null, -- in UTC
  tokens    bigint not null check (tokens >= 0),
  primary key (tenant_id, day)
);
select usher.protect('model_days');
alter table tenants add column daily_tokens int check (daily_tokens >= 0);

-- +goose Down
alter table tenants drop column daily_tokens;
drop table model_days;
