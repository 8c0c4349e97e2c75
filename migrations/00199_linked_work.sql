-- A ticket may be settled with linked work as its witness: what it was about works
-- again. It is counted apart from what customers confirmed and what was assumed.

-- +goose Up
alter table tickets drop constraint tickets_resolution_check;
alter table tickets add constraint tickets_resolution_check
  check (resolution in ('', 'confirmed', 'assumed', 'linked_work', 'reopened', 'escalated', 'wrong'));
-- Settled so before: the witness is in their history.
alter table tickets no force row level security;
alter table ticket_events no force row level security;
update tickets t set resolution = 'linked_work' where t.resolution in ('', 'assumed') and t.internal_state in ('solved', 'closed')
  and exists (select from ticket_events e where e.tenant_id = t.tenant_id and e.ticket_id = t.id and e.kind = 'resolved' and e.detail->>'witness' = 'linked_work');
alter table tickets force row level security;
alter table ticket_events force row level security;

-- +goose Down
alter table tickets no force row level security;
update tickets set resolution = 'assumed' where resolution = 'linked_work';
alter table tickets force row level security;
alter table tickets drop constraint tickets_resolution_check;
alter table tickets add constraint tickets_resolution_check
  check (resolution in ('', 'confirmed', 'assumed', 'reopened', 'escalated', 'wrong'));
