-- A kept question may be the opening of a customer who goes on talking: how they
-- talk and what has to come of it is in customer, as triage/rehearsal reads it.
-- expect is then talk. Runs and results stay what they are.

-- +goose Up
alter table saved_questions drop constraint saved_questions_expect_check;
alter table saved_questions add column customer jsonb,
  add constraint saved_questions_expect_check check (expect in ('answer', 'status', 'escalate', 'not_found', 'talk')),
  add constraint saved_questions_customer_check check ((expect = 'talk') = (customer is not null));

-- +goose Down
delete from saved_questions where customer is not null;
alter table saved_questions drop column customer, drop constraint saved_questions_expect_check;
alter table saved_questions add constraint saved_questions_expect_check check (expect in ('answer', 'status', 'escalate', 'not_found'));
