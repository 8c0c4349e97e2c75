-- Every retraining is compared with the classifier in use on examples neither has
-- learned from; what came of it is kept. Corrections of a tenant's own messages are
-- looked up with every message of that tenant.

-- +goose Up
create table classifier_trainings (
  revision   text primary key,             -- of the taxonomy
  version    text not null,                -- of the model tried
  accepted   boolean not null,
  held       int not null,                 -- examples held back
  accuracy   double precision not null,    -- on them, 0 to 1
  macro_f1   double precision not null,
  ece        double precision not null,    -- expected calibration error
  gained     int not null,                 -- wrong before, right now
  lost       int not null,                 -- right before, wrong now
  created_at timestamptz not null default now()
);
create table classifier_checks (
  revision   text not null references classifier_trainings on delete cascade,
  example_id uuid not null,
  expected   text not null,
  predicted  text not null,
  confidence real not null,
  primary key (revision, example_id)
);
grant select on classifier_trainings, classifier_checks to usher_app;
grant select, insert, update, delete on classifier_trainings, classifier_checks to usher_worker;
create index on classifications (tenant_id, corrected_at desc) where corrected_intent is not null;

-- +goose Down
drop index classifications_tenant_id_corrected_at_idx;
drop table classifier_checks, classifier_trainings;
