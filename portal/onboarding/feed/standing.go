package feed

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/portal/onboarding"
)

// Standing is how an onboarding does, for the people who manage it.
type Standing struct {
	Band     string // on_track, at_risk, off_track, live
	Reasons  []string
	LastSeen time.Time // when anybody of the tenant last did something; zero: never
	Waiting  int       // tasks that wait for the customer
	Stalled  bool      // they wait and nobody there has done anything for a while
	Health   onboarding.Health
}

// Standing looks at one tenant, on the worker's role.
func (f *Feed) Standing(ctx context.Context, tx pgx.Tx, r onboarding.Record, now time.Time) (Standing, error) {
	var signals Signals
	if f.Signals != nil {
		var err error
		if signals, err = f.Signals(ctx, tx, r.Tenant.ID, now); err != nil {
			return Standing{}, err
		}
	}
	seen, err := lastActivity(ctx, tx, r)
	if err != nil {
		return Standing{}, err
	}
	out := Standing{Health: r.Health(r.Day(now)), LastSeen: seen, Waiting: len(r.CustomerActions())}
	out.Stalled = out.Waiting > 0 && r.Project.State == "active" && !seen.IsZero() && now.Sub(seen) >= usualStall
	out.Band, out.Reasons = Band(out.Health, signals, seen, out.Waiting, now)
	return out, nil
}
