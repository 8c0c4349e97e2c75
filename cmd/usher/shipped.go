package main

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/portal/onboarding"
	"github.com/usherdesk/usher/triage/taxonomy"
)

func shippedTaxonomy() (taxonomy.Set, error) {
	return taxonomy.Set{Values: []taxonomy.Value{
		{Dimension: taxonomy.Intent, Value: "how_to", Description: "how to do something, where to find something", Route: taxonomy.RouteAnswer},
		{Dimension: taxonomy.Intent, Value: "talk_to_person", Description: "talk to a human agent, a real person", Route: taxonomy.RouteEscalate},
	}, Examples: []taxonomy.Example{
		{Dimension: taxonomy.Intent, Value: "how_to", Language: "en", Text: "How do I upload a document?"},
		{Dimension: taxonomy.Intent, Value: "talk_to_person", Language: "en", Text: "I want to talk to a human"},
	}}, nil
}

// seedOnboarding gives each demo tenant its live record.
func (a *application) seedOnboarding(ctx context.Context) error {
	for _, t := range demoTenants {
		people := make([]onboarding.DemoPerson, len(t.People))
		for i, p := range t.People {
			people[i] = onboarding.DemoPerson{ID: p.ID, Name: p.Name}
		}
		err := a.worker.WithTenant(ctx, t.ID, func(tx pgx.Tx) error {
			return onboarding.SeedDemo(ctx, tx, t.ID, t.Stage, people, time.Now())
		})
		if err != nil {
			return err
		}
	}
	return nil
}
