-- What it takes to change the record by hand and from outside: whose word a field
-- holds and of when, whose record it is in another system, who ticked a task, and
-- what staff write for customers.
--
-- said is, by field, when the latest word on it was and which outside system said
-- it ("" a person); the state of what also follows from other records keeps the
-- word itself, so that what follows can be worked out anew.

-- +goose Up
alter table projects
  add column said        jsonb not null default '{}' check (jsonb_typeof(said) = 'object'),
  add column external_ref text not null default '',
  add column hold_reason text not null default ''; -- for the customer
alter table stages
  add column said         jsonb not null default '{}' check (jsonb_typeof(said) = 'object'),
  add column source       text not null default '',
  add column external_ref text not null default '';
alter table milestones
  add column said         jsonb not null default '{}' check (jsonb_typeof(said) = 'object'),
  add column source       text not null default '',
  add column external_ref text not null default '';
alter table tasks
  add column said         jsonb not null default '{}' check (jsonb_typeof(said) = 'object'),
  add column source       text not null default '',
  add column external_ref text not null default '',
  add column note         text not null default '', -- for the customer
  add column done_by_id   uuid,                     -- a person of the tenant; null: somebody else
  add column done_by_name text not null default '',
  add foreign key (tenant_id, done_by_id) references users (tenant_id, id);
alter table document_requests
  add column said         jsonb not null default '{}' check (jsonb_typeof(said) = 'object');
alter table environments
  add column said         jsonb not null default '{}' check (jsonb_typeof(said) = 'object'),
  add column source       text not null default '',
  add column external_ref text not null default '',
  add column keys_expire_on date;
alter table integrations
  add column said         jsonb not null default '{}' check (jsonb_typeof(said) = 'object');
alter table verifications
  add column said         jsonb not null default '{}' check (jsonb_typeof(said) = 'object');
-- A cancelled meeting stays, so that a late word cannot call it again.
alter table meetings
  add column said         jsonb not null default '{}' check (jsonb_typeof(said) = 'object'),
  add column source       text not null default '',
  add column external_ref text not null default '',
  add column state        text not null default 'planned' check (state in ('planned', 'cancelled'));

create unique index stages_by_reference on stages (tenant_id, source, external_ref) where external_ref <> '';
create unique index milestones_by_reference on milestones (tenant_id, source, external_ref) where external_ref <> '';
create unique index tasks_by_reference on tasks (tenant_id, source, external_ref) where external_ref <> '';
create unique index environments_by_reference on environments (tenant_id, source, external_ref) where external_ref <> '';
create unique index meetings_by_reference on meetings (tenant_id, source, external_ref) where external_ref <> '';

select usher.hide_internal('projects');
select usher.hide_internal('tasks');
select usher.hide_internal('verifications');

-- +goose Down
drop index stages_by_reference, milestones_by_reference, tasks_by_reference, environments_by_reference, meetings_by_reference;
alter table meetings drop column said, drop column source, drop column external_ref, drop column state;
alter table verifications drop column said;
alter table integrations drop column said;
alter table environments drop column said, drop column source, drop column external_ref, drop column keys_expire_on;
alter table document_requests drop column said;
alter table tasks drop column said, drop column source, drop column external_ref, drop column note, drop column done_by_id, drop column done_by_name;
alter table milestones drop column said, drop column source, drop column external_ref;
alter table stages drop column said, drop column source, drop column external_ref;
alter table projects drop column said, drop column external_ref, drop column hold_reason;
