package desk_test

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/desk"
	"github.com/usherdesk/usher/triage/sla"
)

// Clocks that run go on as is agreed now, with the time they used under what was
// agreed before; broken promises stay broken.
func TestAnAgreementReachesTheClocksThatRun(t *testing.T) {
	t.Parallel()
	high := func(within time.Duration) sla.Policy {
		return sla.Policy{triage.PriorityHigh: {sla.FirstReply: {Within: within}}}
	}
	due := func(t *testing.T, b *testBundle, ticket triage.Ticket, m sla.Metric) string {
		return b.clockOf(t, ticket, m).DueAt.UTC().Format("Mon 15:04")
	}

	t.Run("a new target counts from the hand-over, and its jobs fire", func(t *testing.T) {
		t.Parallel()
		b := promised(t) // Monday, nine in the morning where the tenant is: 08:00 UTC; its zone is UTC
		ticket := b.escalate(t, "Help")
		start := b.clockOf(t, ticket, sla.FirstReply).DueAt.Add(-2 * time.Hour)
		b.clock.advance(90 * time.Minute)
		require.NoError(t, b.service.Agree(t.Context(), b.agent, b.tenant, sla.Agreement{Targets: high(3 * time.Hour)}))
		require.True(t, start.Add(3*time.Hour).Equal(*b.clockOf(t, ticket, sla.FirstReply).DueAt), "%s", due(t, b, ticket, sla.FirstReply))
		var jobs int
		require.NoError(t, b.db.Worker.Pool().QueryRow(t.Context(), `select count(*) from river_job where kind = 'fire_clock' and scheduled_at = $1`, start.Add(3*time.Hour)).Scan(&jobs))
		require.Equal(t, 1, jobs)
		require.NoError(t, b.service.Agree(t.Context(), b.agent, b.tenant, sla.Agreement{}))
		require.True(t, start.Add(2*time.Hour).Equal(*b.clockOf(t, ticket, sla.FirstReply).DueAt), "the default again")
	})

	t.Run("new hours and holidays move what is due", func(t *testing.T) {
		t.Parallel()
		b := promised(t)
		ticket := b.escalate(t, "Help")
		hours := sla.DefaultHours("UTC")
		for day := range hours.Days {
			hours.Days[day] = [][2]string{{"13:00", "17:00"}}
		}
		hours.Holidays = []string{b.clock.now().Format(time.DateOnly)}
		require.NoError(t, b.service.Agree(t.Context(), b.agent, b.tenant, sla.Agreement{Hours: &hours}))
		require.Equal(t, "Tue 15:00", due(t, b, ticket, sla.FirstReply))
	})

	t.Run("what waits for the customer still waits, for what is agreed now", func(t *testing.T) {
		t.Parallel()
		b := promised(t)
		ticket := b.escalate(t, "Help")
		_, err := b.service.SetState(t.Context(), b.agent, ref(ticket), triage.InternalPending)
		require.NoError(t, err)
		require.NoError(t, b.service.Agree(t.Context(), b.agent, b.tenant, sla.Agreement{Targets: sla.Policy{triage.PriorityHigh: {sla.Resolution: {Within: time.Hour, Always: true}}}}))
		clock := b.clockOf(t, ticket, sla.Resolution)
		require.Equal(t, "paused", clock.State)
		require.Nil(t, clock.DueAt)
		_, err = b.service.SetState(t.Context(), b.agent, ref(ticket), triage.InternalOpen)
		require.NoError(t, err)
		require.True(t, b.clockOf(t, ticket, sla.Resolution).DueAt.Sub(b.clock.now()) <= time.Hour)
	})

	t.Run("a broken promise stays broken", func(t *testing.T) {
		t.Parallel()
		for _, looked := range []bool{true, false} {
			b := promised(t)
			ticket := b.escalate(t, "Help")
			before := *b.clockOf(t, ticket, sla.FirstReply).DueAt
			b.clock.advance(before.Sub(b.clock.now()) + time.Minute)
			if looked {
				require.NoError(t, b.service.SweepClocks(t.Context()))
			}
			require.NoError(t, b.service.Agree(t.Context(), b.agent, b.tenant, sla.Agreement{Targets: high(100 * time.Hour)}))
			require.True(t, before.Equal(*b.clockOf(t, ticket, sla.FirstReply).DueAt))
			_, err := b.service.Reply(t.Context(), b.agent, ref(ticket), desk.Reply{Text: "Sorry"})
			require.NoError(t, err)
			require.Equal(t, "breached", b.clockOf(t, ticket, sla.FirstReply).Outcome)
		}
	})

	t.Run("what cannot be promised changes nothing", func(t *testing.T) {
		t.Parallel()
		b := promised(t)
		require.NoError(t, b.service.Agree(t.Context(), b.agent, b.tenant, sla.Agreement{Targets: high(3 * time.Hour)}))
		closed := sla.Hours{TimeZone: "UTC", Days: map[string][][2]string{}}
		for _, bad := range []sla.Agreement{
			{Targets: high(time.Second)}, {Targets: high(10_000 * time.Hour)}, {Targets: sla.Policy{"soon": {sla.FirstReply: {Within: time.Hour}}}},
			{Targets: sla.Policy{triage.PriorityLow: {"joy": {Within: time.Hour}}}}, {Hours: &closed}, {Hours: &sla.Hours{TimeZone: "Moon/Base"}},
		} {
			require.Error(t, b.service.Agree(t.Context(), b.agent, b.tenant, bad))
		}
		require.NoError(t, b.db.Worker.WithTenant(t.Context(), b.tenant, func(tx pgx.Tx) error {
			a, err := sla.AgreementOf(t.Context(), tx, b.tenant)
			require.Equal(t, 3*time.Hour, a.Targets[triage.PriorityHigh][sla.FirstReply].Within)
			require.Nil(t, a.Hours)
			return err
		}))
	})
}
