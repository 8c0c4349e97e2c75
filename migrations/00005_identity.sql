-- Links the demo prints may be opened again until they expire; all others once.

-- +goose Up
alter table login_links add column reusable boolean not null default false;
alter table staff_login_links add column reusable boolean not null default false;

-- +goose Down
alter table login_links drop column reusable;
alter table staff_login_links drop column reusable;
