package main

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"github.com/usherdesk/usher/integrations/rest"
	"github.com/usherdesk/usher/triage/action"
	"github.com/usherdesk/usher/triage/desk"
)

// connectActions makes what carries approved writes to other systems out. They may
// go where sources may be read.
func (a *application) connectActions(workers *river.Workers) error {
	guard, err := outsideGuard()
	if err != nil {
		return err
	}
	a.actions = action.New(action.Config{
		DB: a.worker, Jobs: a.jobs, Desk: a.desk, Sender: rest.NewSender(guard), Wake: a.wake, Log: a.log,
		TicketURL: func(tenant, ticket uuid.UUID) string {
			return fmt.Sprintf("%s/agent/tickets/%s/%s", a.config.PublicURL, tenant, ticket)
		},
	})
	action.AddWorkers(workers, a.actions)
	return nil
}

// approvalCard is what the thread shows of a proposed action.
func (a *application) approvalCard(ctx context.Context, tx pgx.Tx, tenant, id uuid.UUID) (*desk.Approval, error) {
	return a.actions.Card(ctx, tx, tenant, id)
}
