package main

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/assistant"
	"github.com/usherdesk/usher/triage/procedure"
)

// lookUp answers a procedure's question about the state of things as the chat does.
func lookUp(status assistant.Status) func(ctx context.Context, asker triage.Actor, intent, language string) (procedure.Looked, error) {
	return func(ctx context.Context, asker triage.Actor, intent, language string) (procedure.Looked, error) {
		reply, err := status.Resolve(ctx, assistant.StatusRequest{Asker: asker, Asked: []assistant.Asked{{Intent: intent}}, Language: language})
		if err != nil || reply.Clarify != "" {
			return procedure.Looked{}, err
		}
		return procedure.Looked{Text: reply.Text, Basis: reply.Basis, Facts: reply.Facts, AsOf: reply.AsOf, Stale: reply.Stale, Link: reply.Link, Confirm: reply.Confirm}, nil
	}
}

// seedProcedures gives the demo the procedures Usher comes with.
func (a *application) seedProcedures(ctx context.Context) error {
	return a.worker.WithSystem(ctx, "load the shipped procedures", func(tx pgx.Tx) error { return procedure.Seed(ctx, tx) })
}
