package main

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/portal/onboarding"
)

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
