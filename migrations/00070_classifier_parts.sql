-- A stored classifier in pieces, so that neither reading nor writing it needs
-- megabytes of buffers that connections then keep. The columns that held it whole
-- are no longer written; a later release drops them.

-- +goose Up
create table classifier_model_parts (
  revision  text not null references classifier_models on delete cascade,
  dimension text not null check (dimension in ('intent', 'product_area')),
  part      int not null,
  content   bytea not null,
  primary key (revision, dimension, part)
);
alter table classifier_models alter column intent drop not null;
grant select, insert, update, delete on classifier_model_parts to usher_worker;

-- +goose Down
drop table classifier_model_parts;
delete from classifier_models where intent is null;
alter table classifier_models alter column intent set not null;
