-- The cause of a ticket is gone and its customer has not been told yet: the
-- agent who has it sees that first.

-- +goose Up
alter table tickets add column tell_customer boolean not null default false;

-- +goose Down
alter table tickets drop column tell_customer;
