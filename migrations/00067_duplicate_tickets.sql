-- A ticket may be linked to an open one of the same tenant that says the same.

-- +goose Up
alter table ticket_relations drop constraint ticket_relations_kind_check;
alter table ticket_relations add constraint ticket_relations_kind_check
  check (kind in ('follow_up_of', 'merged_into', 'split_from', 'duplicate_of'));

-- +goose Down
delete from ticket_relations where kind = 'duplicate_of';
alter table ticket_relations drop constraint ticket_relations_kind_check;
alter table ticket_relations add constraint ticket_relations_kind_check
  check (kind in ('follow_up_of', 'merged_into', 'split_from'));
