-- Who of the staff changed what belongs to no tenant: onboarding templates and
-- rules. Insert-only; what concerns a tenant is in audit_events.

-- +goose Up
create table operator_audit_events (
  id       uuid primary key,
  at       timestamptz not null default now(),
  staff_id uuid not null references staff (id),
  action   text not null,
  object   text not null,
  detail   jsonb not null default '{}'
);
grant select, insert on operator_audit_events to usher_worker;
create index on operator_audit_events (at desc);

-- +goose Down
drop table operator_audit_events;
