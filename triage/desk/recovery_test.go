package desk_test

import (
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/desk"
)

func TestWhenTheCauseIsGone(t *testing.T) {
	t.Parallel()
	keyed := func(b *testBundle) triage.Ticket {
		var ticket triage.Ticket
		b.tx(t, func(tx pgx.Tx) (err error) {
			in := escalation(b.write(t, tx, b.conversation, "The import fails"))
			in.DedupKey = "integration/sync/timeout"
			ticket, err = b.service.Escalate(t.Context(), tx, in)
			return err
		})
		b.settle(t, ticket)
		return ticket
	}
	gone := func(b *testBundle) {
		for range 2 { // told twice
			require.NoError(t, b.db.Worker.WithTenant(t.Context(), b.tenant, func(tx pgx.Tx) error {
				return b.service.CauseGone(t.Context(), tx, desk.Recovery{TenantID: b.tenant, Key: "integration/sync/timeout", Once: "sync/1", Note: "The sync works again.", Draft: "It works again; do you see the same?"})
			}))
		}
	}
	posts := func(b *testBundle, label desk.PostLabel) (out []string) {
		for _, sent := range b.slack.Posts {
			for _, s := range sent {
				if s.Post.Label == label {
					out = append(out, s.Post.Text)
				}
			}
		}
		return out
	}

	t.Run("a ticket nobody took is solved with the linked work as its witness", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		ticket := keyed(b)
		gone(b)
		b.settle(t, ticket)
		require.Equal(t, triage.InternalSolved, b.detail(t, ticket).Ticket.InternalState)
		require.Equal(t, []string{"The sync works again."}, posts(b, desk.PostInternal), "once")
		require.Empty(t, posts(b, desk.PostDraft))
		solved := b.detail(t, ticket).Ticket
		require.Equal(t, "linked_work", solved.Resolution)
		require.NoError(t, b.service.Settle(t.Context(), desk.SettleTicketArgs{TenantID: b.tenant, TicketID: ticket.ID, SolvedAt: *solved.SolvedAt}))
		require.Equal(t, "linked_work", b.detail(t, ticket).Ticket.Resolution, "it needs no assumption")
	})

	t.Run("a customer who comes back says that it did not hold", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		ticket := keyed(b)
		gone(b)
		b.say(t, "It fails again", false)
		require.Equal(t, "reopened", b.detail(t, ticket).Ticket.Resolution)
	})

	t.Run("whoever has the ticket is asked to tell the customer, with a draft", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		ticket := keyed(b)
		ref := desk.TicketRef{TenantID: b.tenant, ID: ticket.ID}
		_, err := b.service.Claim(t.Context(), b.agent, ref)
		require.NoError(t, err)
		gone(b)
		b.settle(t, ticket)
		require.Equal(t, triage.InternalOpen, b.detail(t, ticket).Ticket.InternalState)
		require.True(t, b.slack.Roots[ticket.ID][0].Card.TellCustomer)
		require.Equal(t, []string{"It works again; do you see the same?"}, posts(b, desk.PostDraft))

		_, err = b.service.Reply(t.Context(), b.agent, ref, desk.Reply{Text: "It works again."})
		require.NoError(t, err)
		b.settle(t, ticket)
		require.False(t, b.slack.Roots[ticket.ID][0].Card.TellCustomer, "the customer knows")
	})

	t.Run("without such a ticket nothing happens", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		gone(b)
	})
}
