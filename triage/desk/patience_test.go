package desk_test

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/desk"
)

func TestSomebodyWhoWaitsInTheChatIsReleased(t *testing.T) {
	t.Parallel()
	monday := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	visible := func(t *testing.T, b *testBundle) (out []triage.Message) {
		b.tx(t, func(tx pgx.Tx) (err error) {
			out, err = triage.MessagesBefore(t.Context(), tx, b.tenant, b.conversation, 0, false, 50)
			return err
		})
		return out
	}
	release := func(t *testing.T, b *testBundle, ticket triage.Ticket) {
		b.clock.advance(5 * time.Minute)
		for range 2 { // the job may run twice
			require.NoError(t, b.service.ReleaseCustomer(t.Context(), desk.ReleaseCustomerArgs{TenantID: b.tenant, TicketID: ticket.ID}))
		}
	}

	t.Run("once, when nobody came within business hours", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.clock.at = monday
		ticket := b.escalate(t, "Help")
		var due time.Time
		require.NoError(t, b.db.Worker.Pool().QueryRow(t.Context(), `select scheduled_at from river_job where kind = 'release_customer'`).Scan(&due))
		require.WithinDuration(t, monday.Add(5*time.Minute), due, time.Second)
		b.settle(t, ticket)
		release(t, b, ticket)
		said := visible(t, b)
		require.Len(t, said, 2)
		require.Equal(t, triage.AuthorAssistant, said[1].AuthorKind)
		require.Contains(t, said[1].Body, "need not wait")
		b.settle(t, ticket)
		require.Len(t, b.slack.Thread(ticket.ID), 3, "agents see what was said")
	})

	t.Run("not when somebody has it, and not out of hours", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.clock.at = monday
		ticket := b.escalate(t, "Help")
		_, err := b.service.Claim(t.Context(), b.agent, desk.TicketRef{TenantID: b.tenant, ID: ticket.ID})
		require.NoError(t, err)
		release(t, b, ticket)
		require.Len(t, visible(t, b), 1)

		b = setup(t)
		b.clock.at = monday.Add(12 * time.Hour)
		ticket = b.escalate(t, "Help")
		release(t, b, ticket)
		require.Len(t, visible(t, b), 1, "they were told when people are back")
	})
}
