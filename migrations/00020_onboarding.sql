-- The onboarding record of a tenant, as customers' answers and the roadmap read
-- it. Texts come in two columns where people may write about a customer:
-- *_customer is said, *_internal is not; customers' queries never name the second.
-- Overdue, forecast, health and progress are derived in Go and never stored.

-- +goose Up
create table projects (
  tenant_id        uuid not null references tenants (id),
  id               uuid not null,
  name             text not null,
  template         text not null default 'saas',
  template_version int not null default 1,
  state            text not null default 'active' check (state in ('draft', 'active', 'on_hold', 'live', 'completed', 'cancelled', 'archived')),
  health_reason_customer text not null default '',
  health_reason_internal text not null default '',
  start_date       date not null,
  planned_go_live  date,
  actual_go_live   date,
  owner_name       text not null default '',
  owner_contact    text not null default '',
  owner_away_until date,
  owner_stand_in   text not null default '',
  champion_id      uuid,
  source           text not null default 'onboarding',
  observed_at      timestamptz not null default now(),
  last_event       bigint not null default 0,
  primary key (tenant_id, id),
  foreign key (tenant_id, champion_id) references users (tenant_id, id)
);
create unique index projects_one_current on projects (tenant_id) where state in ('draft', 'active', 'on_hold', 'live');

create table stages (
  tenant_id  uuid not null,
  id         uuid not null,
  project_id uuid not null,
  ordinal    int not null,
  name       text not null,
  state      text not null check (state in ('locked', 'active', 'done', 'skipped')),
  primary key (tenant_id, id),
  unique (tenant_id, project_id, ordinal),
  foreign key (tenant_id, project_id) references projects (tenant_id, id) on delete cascade
);

create table milestones (
  tenant_id    uuid not null,
  id           uuid not null,
  project_id   uuid not null,
  stage_id     uuid,
  ordinal      int not null,
  name         text not null,
  aliases      text[] not null default '{}',
  state        text not null check (state in ('upcoming', 'in_progress', 'at_risk', 'done', 'missed', 'waived')),
  due          date,
  completed_at timestamptz,
  owner_name   text not null default '',
  go_live      boolean not null default false,
  primary key (tenant_id, id),
  foreign key (tenant_id, project_id) references projects (tenant_id, id) on delete cascade,
  foreign key (tenant_id, stage_id) references stages (tenant_id, id)
);

create table tasks (
  tenant_id      uuid not null,
  id             uuid not null,
  project_id     uuid not null,
  milestone_id   uuid,
  title          text not null,
  state          text not null check (state in ('not_ready', 'ready', 'in_progress', 'blocked', 'in_review', 'done', 'not_applicable', 'cancelled')),
  responsibility text not null check (responsibility in ('customer', 'provider', 'third_party')),
  assignee_id    uuid,
  assignee_name  text not null default '',
  due            date,
  duration_days  int check (duration_days >= 0), -- working days; null: unknown
  visibility     text not null default 'customer' check (visibility in ('internal', 'customer', 'restricted')),
  department     text not null default '',       -- of a restricted task
  blocker_customer text not null default '',
  blocker_internal text not null default '',
  done_at        timestamptz,
  primary key (tenant_id, id),
  foreign key (tenant_id, project_id) references projects (tenant_id, id) on delete cascade,
  foreign key (tenant_id, milestone_id) references milestones (tenant_id, id),
  foreign key (tenant_id, assignee_id) references users (tenant_id, id)
);
create table task_dependencies (
  tenant_id uuid not null,
  task_id   uuid not null,
  needs_id  uuid not null,
  primary key (tenant_id, task_id, needs_id),
  foreign key (tenant_id, task_id) references tasks (tenant_id, id) on delete cascade,
  foreign key (tenant_id, needs_id) references tasks (tenant_id, id) on delete cascade,
  check (task_id <> needs_id)
);

create table document_requests (
  tenant_id   uuid not null,
  id          uuid not null,
  project_id  uuid not null,
  title       text not null,
  aliases     text[] not null default '{}',
  state       text not null check (state in ('requested', 'received', 'in_review', 'accepted', 'rejected', 'expired', 'waived')),
  due         date,
  department  text not null default '',
  review_target date,
  final       boolean not null default false,      -- an executed agreement, for "the latest signed version"
  primary key (tenant_id, id),
  foreign key (tenant_id, project_id) references projects (tenant_id, id) on delete cascade
);
create table document_versions (
  tenant_id    uuid not null,
  id           uuid not null,
  request_id   uuid not null,
  version_no   int not null,
  file_name    text not null,
  scan_state   text not null default 'pending' check (scan_state in ('pending', 'clean', 'infected', 'error')),
  review_state text not null default 'pending' check (review_state in ('pending', 'in_review', 'accepted', 'rejected')),
  uploaded_at  timestamptz not null,
  reviewed_at  timestamptz,
  effective_on date,
  reject_codes text[] not null default '{}',
  reviewer_message_customer text not null default '',
  reviewer_comment_internal text not null default '',
  primary key (tenant_id, id),
  unique (tenant_id, request_id, version_no),
  foreign key (tenant_id, request_id) references document_requests (tenant_id, id) on delete cascade
);

create table envelopes (
  tenant_id   uuid not null,
  id          uuid not null,
  project_id  uuid not null,
  title       text not null,
  aliases     text[] not null default '{}',
  provider_ref text not null default '',
  state       text not null check (state in ('created', 'sent', 'delivered', 'completed', 'declined', 'voided', 'correct')),
  expires_on  date,
  completed_at timestamptz,
  observed_at timestamptz not null default now(),
  primary key (tenant_id, id),
  foreign key (tenant_id, project_id) references projects (tenant_id, id) on delete cascade
);
create table signers (
  tenant_id   uuid not null,
  id          uuid not null,
  envelope_id uuid not null,
  name        text not null,
  routing     int not null,
  state       text not null check (state in ('waiting', 'sent', 'opened', 'signed', 'declined', 'bounced')),
  signed_at   timestamptz,
  primary key (tenant_id, id),
  foreign key (tenant_id, envelope_id) references envelopes (tenant_id, id) on delete cascade
);

create table verifications (
  tenant_id      uuid not null,
  id             uuid not null,
  project_id     uuid not null,
  kind           text not null check (kind in ('kyc', 'kyb', 'aml', 'bank')),
  internal_state text not null default '',
  customer_state text not null check (customer_state in ('needs_information', 'in_review', 'verified', 'we_will_contact_you')),
  submitted_at   timestamptz,
  completed_at   timestamptz,
  deadline       date,
  typical_days_from int not null default 2,
  typical_days_to   int not null default 5,
  observed_at    timestamptz not null default now(),
  primary key (tenant_id, id),
  foreign key (tenant_id, project_id) references projects (tenant_id, id) on delete cascade
);
create table requirements (
  tenant_id       uuid not null,
  id              uuid not null,
  verification_id uuid not null,
  label           text not null,
  bucket          text not null check (bucket in ('past_due', 'currently_due', 'eventually_due', 'pending_verification')),
  deadline        date,
  primary key (tenant_id, id),
  foreign key (tenant_id, verification_id) references verifications (tenant_id, id) on delete cascade
);

create table integrations (
  tenant_id       uuid not null,
  id              uuid not null,
  project_id      uuid not null,
  connector       text not null,
  aliases         text[] not null default '{}',
  environment     text not null default 'production' check (environment in ('sandbox', 'production')),
  auth_state      text not null check (auth_state in ('not_connected', 'connecting', 'connected', 'relink_needed', 'revoked')),
  sync_state      text not null check (sync_state in ('never', 'syncing', 'ok', 'warning', 'failing', 'paused')),
  last_success_at timestamptz,
  last_attempt_at timestamptz,
  next_run_at     timestamptz,
  records_done    bigint,
  records_total   bigint,
  records_rejected bigint,
  error_code      text not null default '',
  message_customer text not null default '',
  observed_at     timestamptz not null default now(),
  primary key (tenant_id, id),
  foreign key (tenant_id, project_id) references projects (tenant_id, id) on delete cascade
);

create table environments (
  tenant_id   uuid not null,
  id          uuid not null,
  project_id  uuid not null,
  kind        text not null check (kind in ('sandbox', 'production')),
  state       text not null check (state in ('requested', 'provisioning', 'ready', 'failed', 'revoked')),
  blocked_by  text[] not null default '{}',
  keys_state  text not null default 'requested' check (keys_state in ('requested', 'provisioning', 'ready', 'failed', 'revoked')),
  keys_issued_at timestamptz,
  observed_at timestamptz not null default now(),
  primary key (tenant_id, id),
  foreign key (tenant_id, project_id) references projects (tenant_id, id) on delete cascade
);

create table enrolments (
  tenant_id   uuid not null,
  id          uuid not null,
  project_id  uuid not null,
  user_id     uuid not null,
  course      text not null,
  required    boolean not null default true,
  state       text not null check (state in ('assigned', 'started', 'completed', 'passed', 'failed', 'waived', 'expired')),
  progress    int not null default 0 check (progress between 0 and 100),
  due         date,
  certificate_at timestamptz,
  observed_at timestamptz not null default now(),
  primary key (tenant_id, id),
  foreign key (tenant_id, project_id) references projects (tenant_id, id) on delete cascade,
  foreign key (tenant_id, user_id) references users (tenant_id, id)
);

create table meetings (
  tenant_id  uuid not null,
  id         uuid not null,
  project_id uuid not null,
  title      text not null,
  starts_at  timestamptz not null,
  attendees  text[] not null default '{}',   -- names that may be shown
  attendee_ids uuid[] not null default '{}', -- people of the tenant who may have the link
  join_link  text not null default '',
  primary key (tenant_id, id),
  foreign key (tenant_id, project_id) references projects (tenant_id, id) on delete cascade
);

create table invitations (
  tenant_id   uuid not null,
  user_id     uuid not null,
  sent_at     timestamptz not null,
  expires_at  timestamptz not null,
  accepted_at timestamptz,
  bounced_at  timestamptz,
  primary key (tenant_id, user_id),
  foreign key (tenant_id, user_id) references users (tenant_id, id) on delete cascade
);

-- +goose StatementBegin
do $$
declare t text;
begin
  foreach t in array array['projects', 'stages', 'milestones', 'tasks', 'task_dependencies', 'document_requests', 'document_versions',
    'envelopes', 'signers', 'verifications', 'requirements', 'integrations', 'environments', 'enrolments', 'meetings', 'invitations'] loop
    perform usher.protect(t::regclass);
  end loop;
end $$;
-- +goose StatementEnd

-- +goose Down
drop table invitations, meetings, enrolments, environments, integrations, requirements, verifications, signers, envelopes,
  document_versions, document_requests, task_dependencies, tasks, milestones, stages, projects cascade;
