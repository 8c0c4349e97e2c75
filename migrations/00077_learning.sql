-- What a learning system reports of an enrolment, and what a finished course
-- completes. The facts only grow, so that statements in any order end alike.

-- +goose Up
alter table enrolments
  add column move_on      text not null default 'passed_or_completed'
    check (move_on in ('passed', 'completed', 'passed_and_completed', 'passed_or_completed', 'not_applicable')),
  add column milestone_id uuid,                 -- done once everybody who has to has finished
  add column was_passed     boolean not null default false,
  add column was_completed  boolean not null default false,
  add column was_satisfied  boolean not null default false,
  add column was_waived     boolean not null default false,
  add foreign key (tenant_id, milestone_id) references milestones (tenant_id, id);

-- +goose Down
alter table enrolments drop column move_on, drop column milestone_id, drop column was_passed, drop column was_completed,
  drop column was_satisfied, drop column was_waived;
