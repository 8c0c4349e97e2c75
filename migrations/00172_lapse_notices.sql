-- When an owner was last mailed what has lapsed. Kept with the articles it was
-- forgotten when one was retired or went to somebody else, and held back mail to
-- who took it over. Nothing is carried over: on the day of the change an owner may
-- get a second mail.

-- +goose Up
create table lapse_notices (
  staff_id uuid primary key references staff (id) on delete cascade,
  told_at  timestamptz not null
);
grant select, insert, update, delete on lapse_notices to usher_worker;
alter table shared_articles drop column lapse_told_at;
alter table tenant_articles drop column lapse_told_at;

-- +goose Down
alter table tenant_articles add column lapse_told_at timestamptz;
alter table shared_articles add column lapse_told_at timestamptz;
drop table lapse_notices;
