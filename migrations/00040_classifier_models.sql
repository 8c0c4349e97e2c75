-- Trained classifiers, so that a start loads one instead of training: one row
-- per revision of the taxonomy. Old rows are removed when a newer one is stored.

-- +goose Up
create table classifier_models (
  revision   text primary key,
  intent     bytea not null,
  area       bytea,
  trained_ms int not null,
  created_at timestamptz not null default now()
);
-- The product area an intent belongs to, where no examples say better.
alter table taxonomy_values add column product_area text not null default '';
grant select, insert, update, delete on classifier_models to usher_worker;

-- +goose Down
drop table classifier_models;
