-- A hand-over looks at the tenant's latest open tickets and at what each was about:
-- without these it read every escalation of the tenant once for each of them.

-- +goose Up
create index escalations_of_ticket on escalations (tenant_id, ticket_id, created_at);
create index tickets_open on tickets (tenant_id, number desc) where internal_state not in ('solved', 'closed');

-- +goose Down
drop index tickets_open;
drop index escalations_of_ticket;
