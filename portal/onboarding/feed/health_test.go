package feed_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/portal/onboarding"
	"github.com/usherdesk/usher/portal/onboarding/feed"
	"github.com/usherdesk/usher/portal/onboarding/rule"
)

func TestBand(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	ago := func(days int) time.Time { return now.AddDate(0, 0, -days) }
	well := onboarding.Health{Word: "on_track"}
	for name, c := range map[string]struct {
		health  onboarding.Health
		signals feed.Signals
		seen    time.Time
		waiting int
		band    string
		reasons []string
	}{
		"all is well":                   {health: well, seen: ago(1), waiting: 2, band: "on_track"},
		"two young tickets are no news": {health: well, signals: feed.Signals{OpenTickets: 2, Oldest: ago(2)}, band: "on_track"},
		"many tickets":                  {health: well, signals: feed.Signals{OpenTickets: 3, Oldest: ago(1)}, band: "at_risk", reasons: []string{"3 open tickets"}},
		"an old ticket, live too":       {health: onboarding.Health{Word: "live"}, signals: feed.Signals{OpenTickets: 1, Oldest: ago(6)}, band: "at_risk", reasons: []string{"a ticket open for 6 days"}},
		"bad answers":                   {health: well, signals: feed.Signals{NotHelpful: 4}, band: "at_risk", reasons: []string{"4 answers not helpful within a week"}},
		"silence with work to do":       {health: well, seen: ago(15), waiting: 1, band: "at_risk", reasons: []string{"silent for 15 days"}},
		"silence with nothing to do":    {health: well, seen: ago(15), band: "on_track"},
		"what is off track stays so": {health: onboarding.Health{Word: "off_track", Customer: 1, Variance: 11, Known: true}, signals: feed.Signals{OpenTickets: 3}, band: "off_track",
			reasons: []string{"1 task overdue", "11 working days over plan", "3 open tickets"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			band, reasons := feed.Band(c.health, c.signals, c.seen, c.waiting, now)
			require.Equal(t, c.band, band)
			require.Equal(t, c.reasons, reasons)
		})
	}
}

func TestAChangeOfBandIsToldOnceAndNeverToCustomers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	signals := feed.Signals{}
	b.feed.Signals = func(context.Context, pgx.Tx, uuid.UUID, time.Time) (feed.Signals, error) { return signals, nil }
	sweep := func() (told []rule.Fired) {
		b.fired = nil
		for range 2 {
			b.do(t, func(tx pgx.Tx) error { return b.feed.Sweep(t.Context(), tx, b.tenant, b.now, feed.Patience{}) })
		}
		for _, f := range b.fired {
			if f.Event.Kind == rule.HealthChanged {
				told = append(told, f)
			}
		}
		return told
	}
	require.Empty(t, sweep(), "the first look at a project that is well is no news")
	signals.OpenTickets = 5
	told := sweep()
	require.Len(t, told, 1)
	require.Equal(t, "at_risk", told[0].Event.Fields["to"])
	require.Equal(t, "5 open tickets", told[0].Event.Fields["reasons"])
	require.Equal(t, "on_track", b.record(t).Health(b.record(t).Day(b.now)).Word, "what customers read is the record's")
	signals.OpenTickets = 0
	require.Len(t, sweep(), 1, "and once when it is well again")
}
