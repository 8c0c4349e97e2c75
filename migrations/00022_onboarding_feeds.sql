-- What feeds the onboarding record: providers' references, uploads, contracts,
-- templates, status packs, rules and notices.
--
-- From here on usher_app, which serves customers, cannot read a column named
-- *_internal or internal_*. A migration that adds a column to one of the tables
-- at the end calls usher.hide_internal for it again.

-- +goose Up
alter table verifications
  add column provider text not null default '',
  add column provider_ref text not null default '',
  add column reason_internal text not null default '',
  add column attempt int not null default 1,
  add column event_at_internal timestamptz; -- of the provider's latest word; the customer's observed_at moves only with what they see
create unique index verifications_by_reference on verifications (tenant_id, provider, provider_ref) where provider_ref <> '';

alter table envelopes add column provider text not null default '';
create unique index envelopes_by_reference on envelopes (tenant_id, provider, provider_ref) where provider_ref <> '';

alter table integrations add column external_ref text not null default '';
create unique index integrations_by_reference on integrations (tenant_id, external_ref) where external_ref <> '';

alter table document_versions
  add column content_type text not null default 'application/octet-stream',
  add column size_bytes bigint not null default 0 check (size_bytes >= 0),
  add column sha256 bytea not null default '',
  add column storage_key text not null default '',
  add column uploaded_by uuid,
  add column scan_detail_internal text not null default '',
  add column reviewed_by_internal uuid,
  add constraint document_versions_uploaded_by foreign key (tenant_id, uploaded_by) references users (tenant_id, id),
  drop constraint document_versions_scan_state_check,
  add constraint document_versions_scan_state_check check (scan_state in ('pending', 'not_scanned', 'clean', 'infected', 'error'));
alter table document_requests add column rejections int not null default 0;
-- A version never changes after it was submitted; only what the scanner and the
-- reviewer say about it does, and both are staff's or the worker's.
revoke update on document_versions from usher_app, usher_worker;
grant update (scan_state, scan_detail_internal, review_state, reviewed_at, effective_on, reject_codes, reviewer_message_customer,
  reviewer_comment_internal, reviewed_by_internal) on document_versions to usher_worker;

alter table projects add column announced_health text not null default '' check (announced_health in ('', 'on_track', 'at_risk', 'off_track', 'live'));

-- Records of entities a status pack brings, such as shipments.
create table pack_records (
  tenant_id   uuid not null references tenants (id),
  id          uuid not null,
  entity      text not null check (entity ~ '^[a-z0-9_]{1,60}$'),
  key         text not null,
  name        text not null,
  aliases     text[] not null default '{}',
  fields      jsonb not null default '{}' check (jsonb_typeof(fields) = 'object'),
  department  text not null default '',
  observed_at timestamptz not null default now(),
  stale_after timestamptz,
  primary key (tenant_id, id),
  unique (tenant_id, entity, key)
);
select usher.protect('pack_records');

-- Templates and packs are the operator's: edited by curators, read by all.
create table onboarding_templates (
  key        text not null check (key ~ '^[a-z0-9_]{1,60}$'),
  version    int not null check (version > 0),
  name       text not null,
  industry   text not null default '',
  state      text not null default 'draft' check (state in ('draft', 'published', 'retired')),
  body       jsonb not null,
  created_at timestamptz not null default now(),
  primary key (key, version)
);
create table status_packs (
  key        text primary key check (key ~ '^[a-z0-9_]{1,60}$'),
  body       jsonb not null,
  enabled    boolean not null default true,
  updated_at timestamptz not null default now()
);
grant select on onboarding_templates, status_packs to usher_app;
grant select, insert, update, delete on onboarding_templates, status_packs to usher_worker;

-- One workspace per signed contract, however often and in whatever order the
-- news of it arrives. Global uniqueness, out of any customer's reach.
create table onboarding_contracts (
  source      text not null,
  contract    text not null,
  workspace   uuid references tenants (id),
  state       text not null check (state in ('signed', 'cancelled')),
  event_at    timestamptz not null,
  created_at  timestamptz not null default now(),
  primary key (source, contract)
);
grant select, insert, update, delete on onboarding_contracts to usher_worker;

-- Event → condition → action, the operator's.
create table onboarding_rules (
  key        text primary key check (key ~ '^[a-z0-9_]{1,60}$'),
  body       jsonb not null,
  enabled    boolean not null default true,
  updated_at timestamptz not null default now()
);
grant select, insert, update, delete on onboarding_rules to usher_worker;
-- A rule acts once on a subject.
create table onboarding_rule_runs (
  tenant_id uuid not null references tenants (id),
  rule      text not null,
  subject   text not null,
  event     text not null,
  action    text not null,
  at        timestamptz not null default now(),
  primary key (tenant_id, rule, subject)
);
select usher.protect('onboarding_rule_runs');

-- What the customer is told without having asked: once per key, not in quiet hours.
create table onboarding_notices (
  tenant_id  uuid not null references tenants (id),
  id         uuid not null,
  key        text not null,
  user_id    uuid,
  kind       text not null,
  fields     jsonb not null default '{}',
  link       text not null default '',
  not_before timestamptz not null,
  sent_at    timestamptz,
  created_at timestamptz not null default now(),
  primary key (tenant_id, id),
  unique (tenant_id, key),
  foreign key (tenant_id, user_id) references users (tenant_id, id)
);
select usher.protect('onboarding_notices');
create index on onboarding_notices (not_before) where sent_at is null;

-- +goose StatementBegin
do $$
declare t text;
begin
  foreach t in array array['projects', 'tasks', 'document_versions', 'verifications', 'status_snapshots'] loop
    perform usher.hide_internal(t::regclass);
  end loop;
end $$;
-- +goose StatementEnd

-- +goose Down
drop table onboarding_notices, onboarding_rule_runs, onboarding_rules, onboarding_contracts, status_packs, onboarding_templates, pack_records cascade;
alter table projects drop column announced_health;
alter table document_requests drop column rejections;
alter table document_versions drop column content_type, drop column size_bytes, drop column sha256, drop column storage_key,
  drop column uploaded_by, drop column scan_detail_internal, drop column reviewed_by_internal,
  drop constraint document_versions_scan_state_check,
  add constraint document_versions_scan_state_check check (scan_state in ('pending', 'clean', 'infected', 'error'));
alter table integrations drop column external_ref;
alter table envelopes drop column provider;
alter table verifications drop column provider, drop column provider_ref, drop column reason_internal, drop column attempt, drop column event_at_internal;
