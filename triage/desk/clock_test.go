package desk_test

import (
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/desk"
	"github.com/usherdesk/usher/triage/sla"
)

// promised sets up a desk with clocks, on a Monday morning of its tenant.
func promised(t *testing.T) *testBundle {
	t.Helper()
	b := setup(t, func(c *desk.Config) { c.Clocks = sla.New(c.Now) })
	b.clock.at = time.Date(2026, 11, 23, 9, 0, 0, 0, time.FixedZone("CET", 3600)).UTC()
	return b
}

func (b *testBundle) clockOf(t *testing.T, ticket triage.Ticket, metric sla.Metric) desk.ClockRow {
	t.Helper()
	var found desk.ClockRow
	for _, c := range b.detail(t, ticket).Clocks {
		if c.Metric == string(metric) {
			found = c
		}
	}
	require.NotEmpty(t, found.Metric, "no clock %s", metric)
	return found
}

func (b *testBundle) count(t *testing.T, ticket triage.Ticket, kind string) (n int) {
	t.Helper()
	for _, e := range b.detail(t, ticket).Events {
		if e.Kind == kind {
			n++
		}
	}
	return n
}

func TestClocks(t *testing.T) {
	t.Parallel()

	t.Run("a killed worker changes nothing: the breach fires once, also asked in parallel", func(t *testing.T) {
		t.Parallel()
		b := promised(t)
		ticket := b.escalate(t, "Help")
		due := *b.clockOf(t, ticket, sla.FirstReply).DueAt
		require.True(t, b.clock.now().Add(2*time.Hour).Equal(due), "two hours for high priority")
		_, err := b.db.Worker.Pool().Exec(t.Context(), `delete from river_job`) // its jobs died with it
		require.NoError(t, err)
		b.clock.advance(95 * time.Minute)
		require.NoError(t, b.service.SweepClocks(t.Context()))
		require.Equal(t, 1, b.count(t, ticket, "sla_warning"))
		require.Zero(t, b.count(t, ticket, "sla_breached"))
		b.clock.advance(time.Hour)
		var group sync.WaitGroup
		for range 4 {
			group.Go(func() { _ = b.service.SweepClocks(t.Context()) })
		}
		group.Wait()
		require.NoError(t, b.service.SweepClocks(t.Context()))
		require.Equal(t, 1, b.count(t, ticket, "sla_warning"))
		require.Equal(t, 1, b.count(t, ticket, "sla_breached"))
		require.True(t, due.Equal(*b.clockOf(t, ticket, sla.FirstReply).BreachedAt), "the breach counts from the due time")
		b.settle(t, ticket)
		said := 0
		for _, p := range b.slack.Thread(ticket.ID) {
			if strings.Contains(p.Text, "overdue") {
				said++
			}
		}
		require.Equal(t, 1, said)
		require.True(t, b.slack.Roots[ticket.ID][0].Card.Breached)
	})

	t.Run("a reply ends the first-reply clock; words of the customer start the next", func(t *testing.T) {
		t.Parallel()
		b := promised(t)
		ticket := b.escalate(t, "Help")
		b.clock.advance(time.Hour)
		_, err := b.service.Reply(t.Context(), b.agent, ref(ticket), desk.Reply{Text: "On it", Then: triage.InternalPending})
		require.NoError(t, err)
		require.Equal(t, "met", b.clockOf(t, ticket, sla.FirstReply).Outcome)
		require.Equal(t, "paused", b.clockOf(t, ticket, sla.Resolution).State)
		require.Equal(t, "waiting_for_customer", b.clockOf(t, ticket, sla.Resolution).PauseReason)
		b.clock.advance(30 * time.Minute)
		b.say(t, "Here is the file", false)
		require.Equal(t, "running", b.clockOf(t, ticket, sla.Resolution).State, "a customer's message always ends a wait for them")
		next := b.clockOf(t, ticket, sla.NextReply)
		require.True(t, b.clock.now().Add(4*time.Hour).Equal(*next.DueAt))
		b.say(t, "And another", false)
		require.True(t, next.DueAt.Equal(*b.clockOf(t, ticket, sla.NextReply).DueAt), "the oldest unanswered message counts")
		_, err = b.service.Resolve(t.Context(), b.agent, ref(ticket))
		require.NoError(t, err)
		require.Equal(t, "met", b.clockOf(t, ticket, sla.Resolution).Outcome)
	})

	t.Run("pauses are left out of the resolution time", func(t *testing.T) {
		t.Parallel()
		b := promised(t)
		ticket := b.escalate(t, "Help")
		require.Equal(t, "2026-11-24T16:00:00Z", b.clockOf(t, ticket, sla.Resolution).DueAt.UTC().Format(time.RFC3339), "two working days")
		_, err := b.service.SetState(t.Context(), b.agent, ref(ticket), triage.InternalOnHold)
		require.NoError(t, err)
		b.clock.advance(2 * time.Hour)
		_, err = b.service.SetState(t.Context(), b.agent, ref(ticket), triage.InternalOpen)
		require.NoError(t, err)
		require.Equal(t, "2026-11-25T10:00:00Z", b.clockOf(t, ticket, sla.Resolution).DueAt.UTC().Format(time.RFC3339), "and two hours")
	})

	t.Run("a tenant's own targets and hours hold, and urgent work runs round the clock", func(t *testing.T) {
		t.Parallel()
		b := promised(t)
		b.tx(t, func(tx pgx.Tx) error {
			require.NoError(t, sla.SetTarget(t.Context(), tx, b.tenant, triage.PriorityHigh, sla.FirstReply, sla.Target{Within: 9 * time.Hour}))
			hours := sla.DefaultHours("Europe/Berlin")
			hours.Holidays = []string{"2026-11-24"}
			return sla.SetCalendar(t.Context(), tx, b.tenant, hours)
		})
		ticket := b.escalate(t, "Help")
		require.Equal(t, "2026-11-25T09:00:00Z", b.clockOf(t, ticket, sla.FirstReply).DueAt.UTC().Format(time.RFC3339), "eight hours today, a holiday, one hour on Wednesday")
		b.clock.advance(10 * time.Hour)
		_, err := b.service.SetPriority(t.Context(), b.agent, ref(ticket), triage.PriorityUrgent)
		require.NoError(t, err)
		due := b.clockOf(t, ticket, sla.FirstReply).DueAt
		require.NotNil(t, due)
		require.False(t, due.After(b.clock.now().Add(30*time.Minute)))
	})

	t.Run("what was no request counts for nothing", func(t *testing.T) {
		t.Parallel()
		b := promised(t)
		ticket := b.escalate(t, "Hi")
		_, err := b.service.NotARequest(t.Context(), b.agent, ref(ticket))
		require.NoError(t, err)
		for _, c := range b.detail(t, ticket).Clocks {
			require.Equal(t, "cancelled", c.Outcome)
		}
	})

	t.Run("the times have their jobs", func(t *testing.T) {
		t.Parallel()
		b := promised(t)
		ticket := b.escalate(t, "Help")
		rows, err := b.db.Worker.Pool().Query(t.Context(), `select args from river_job where kind = 'fire_clock' order by scheduled_at`)
		require.NoError(t, err)
		raw, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
		require.NoError(t, err)
		require.Len(t, raw, 4, "warning and due time of two clocks")
		b.clock.advance(100 * time.Hour)
		for _, r := range append(raw, raw...) {
			var args sla.FireClockArgs
			require.NoError(t, json.Unmarshal(r, &args))
			require.NoError(t, b.service.FireClock(t.Context(), args))
		}
		require.Equal(t, 2, b.count(t, ticket, "sla_breached"))
		require.NoError(t, b.service.FireClock(t.Context(), sla.FireClockArgs{TenantID: b.tenant, TicketID: uuid.New(), ClockID: uuid.New()}), "a ticket that is gone is no error")
	})

	t.Run("tickets nobody touches are seen to", func(t *testing.T) {
		t.Parallel()
		b := promised(t)
		still, waiting := b.escalate(t, "Help"), b.escalateIn(t, b.talk(t), "Other")
		_, err := b.service.Reply(t.Context(), b.agent, ref(waiting), desk.Reply{Text: "Which one?", Then: triage.InternalPending})
		require.NoError(t, err)
		b.clock.advance(8 * 24 * time.Hour)
		for range 2 {
			require.NoError(t, b.service.SweepIdle(t.Context()))
		}
		require.Equal(t, 1, b.count(t, still, "nudged"))
		d := b.detail(t, waiting)
		require.Equal(t, triage.InternalSolved, d.Ticket.InternalState)
		require.Contains(t, d.Messages[len(d.Messages)-1].Body, "reopen")
	})
}
