-- Why an answer did not help, in the customer's own choice of words.

-- +goose Up
alter table feedback add column cause text not null default ''
  check (cause in ('', 'did_not_answer', 'wrong', 'outdated', 'hard_to_understand', 'want_person'));

-- +goose Down
alter table feedback drop column cause;
