-- A complete model that waits to be tried holds up nobody: only one that is being
-- built, or is about to take over, holds the place. held: people went back from
-- the model by hand, so that a restart does not switch to it again.
-- +goose Up
drop index embedding_models_one_building;
create unique index embedding_models_one_building on embedding_models ((true))
  where state = 'building' or state = 'ready' and auto_activate;
alter table embedding_models add column held boolean not null default false;

-- +goose Down
alter table embedding_models drop column held;
drop index embedding_models_one_building;
create unique index embedding_models_one_building on embedding_models ((true)) where state in ('building', 'ready');
