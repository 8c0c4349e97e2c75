package feed

import (
	"context"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/usherdesk/usher/portal/onboarding"
)

// Standing is how an onboarding does, for the people who manage it.
type Standing struct {
	Band     string // on_track, at_risk, off_track, live
	Reasons  []string
	LastSeen time.Time // when anybody of the tenant last did something; zero: never
	Waiting  int       // everything that waits for the customer: tasks, documents, signatures and so on
	Stalled  bool      // they wait and nobody there has done anything for a while
	Health   onboarding.Health

	first string // of what waits, in words
}

// Standing looks at one tenant, of which onboarding.PartTurn at least is read, on the worker's role.
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
	out := Standing{Health: r.Health(r.Day(now)), LastSeen: seen}
	waiting := r.CustomerActions()
	if out.Waiting = len(waiting); out.Waiting > 0 {
		out.first = called(waiting[0])
	}
	out.Stalled = out.Waiting > 0 && r.Project.State == "active" && !seen.IsZero() && now.Sub(seen) >= usualStall
	out.Band, out.Reasons = Band(out.Health, signals, seen, out.Waiting, now)
	return out, nil
}

// called is what an action is called in a sentence: of a verification the title is
// its kind.
func called(a onboarding.Action) string {
	switch {
	case a.Kind != onboarding.ActionVerification:
		return a.Title
	case a.Title == "bank":
		return "bank verification"
	}
	return strings.ToUpper(a.Title) + " verification"
}
