package desk_test

import (
	"os"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/desk"
)

// public is what the customer of a ticket reads in its conversation.
func (b *testBundle) public(t *testing.T, ticket triage.Ticket) (out []string) {
	t.Helper()
	b.tx(t, func(tx pgx.Tx) error {
		list, err := triage.MessagesBefore(t.Context(), tx, b.tenant, ticket.ConversationID, 0, false, 100)
		for _, m := range list {
			out = append(out, m.Body)
		}
		return err
	})
	return out
}

// talkOf opens a conversation of somebody else of the tenant.
func (b *testBundle) talkOf(t *testing.T, user uuid.UUID) uuid.UUID {
	t.Helper()
	id := uuid.Must(uuid.NewV7())
	b.tx(t, func(tx pgx.Tx) error {
		_, err := triage.InsertConversation(t.Context(), tx, triage.Conversation{TenantID: b.tenant, ID: id, UserID: &user, Channel: triage.ChannelChat})
		return err
	})
	return id
}

func TestCustomersOfMergedTickets(t *testing.T) {
	t.Parallel()
	follow := func(t *testing.T, b *testBundle, stays triage.Ticket) { // the job a change asks for
		var asked int
		require.NoError(t, b.db.Worker.Pool().QueryRow(t.Context(), `select count(*) from river_job where kind = 'follow_ticket' and args->>'ticket_id' = $1`, stays.ID.String()).Scan(&asked))
		require.Positive(t, asked)
		_, err := b.db.Worker.Pool().Exec(t.Context(), `delete from river_job where kind = 'follow_ticket'`)
		require.NoError(t, err)
		require.NoError(t, b.service.Follow(t.Context(), desk.FollowTicketArgs{TenantID: b.tenant, TicketID: stays.ID}))
	}

	t.Run("are told, and see how the other ticket stands", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		gone := b.escalate(t, "Import broken")
		stays := b.escalateIn(t, b.talk(t), "Import stops at 80 %")
		_, err := b.service.Claim(t.Context(), b.agent, ref(stays))
		require.NoError(t, err)
		_, err = b.service.Merge(t.Context(), b.agent, ref(gone), ref(stays))
		require.NoError(t, err)
		said := b.public(t, gone)
		require.Equal(t, []string{"Import broken", "We have joined this with your request #1002. What you write here reaches the same people."}, said)
		require.Equal(t, triage.StateWorkingOnIt, b.detail(t, gone).Ticket.CustomerState, "it is not solved")
		follow(t, b, stays)

		_, err = b.service.Resolve(t.Context(), b.agent, ref(stays))
		require.NoError(t, err)
		follow(t, b, stays)
		require.Equal(t, triage.StateSolved, b.detail(t, gone).Ticket.CustomerState)
		b.say(t, "It is back", false)
		follow(t, b, stays)
		require.Equal(t, triage.StateWorkingOnIt, b.detail(t, gone).Ticket.CustomerState)
		require.Len(t, b.public(t, gone), 3, "nothing is said twice")
		b.settle(t, gone)
		b.settle(t, stays)
	})

	t.Run("and so do those of a merge that was merged on", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		first := b.escalate(t, "One")
		second := b.escalateIn(t, b.talk(t), "Two")
		third := b.escalateIn(t, b.talk(t), "Three")
		_, err := b.service.SetState(t.Context(), b.agent, ref(third), triage.InternalPending)
		require.NoError(t, err)
		for _, pair := range [][2]triage.Ticket{{first, second}, {second, third}} {
			_, err := b.service.Merge(t.Context(), b.agent, ref(pair[0]), ref(pair[1]))
			require.NoError(t, err)
		}
		follow(t, b, third)
		for _, merged := range []triage.Ticket{first, second} {
			require.Equal(t, triage.StateWaitingForYou, b.detail(t, merged).Ticket.CustomerState)
		}
	})

	t.Run("go their own way once their ticket is opened again, also into another", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		a := b.escalate(t, "One")
		second := b.escalateIn(t, b.talk(t), "Two")
		third := b.escalateIn(t, b.talk(t), "Three")
		merge := func(from, into triage.Ticket) {
			_, err := b.service.Merge(t.Context(), b.agent, ref(from), ref(into))
			require.NoError(t, err)
		}
		reopen := func() {
			_, err := b.service.Reopen(t.Context(), b.agent, ref(a))
			require.NoError(t, err)
		}
		into := func() (id uuid.UUID) {
			b.tx(t, func(tx pgx.Tx) error {
				found, err := desk.Followed(t.Context(), tx, b.tenant, a.ID)
				id = found.ID
				return err
			})
			return id
		}
		merge(a, second)
		require.Equal(t, second.ID, into())
		reopen()
		require.Equal(t, a.ID, into())
		require.Empty(t, b.detail(t, second).Related)
		merge(a, third)
		_, err := b.service.SetState(t.Context(), b.agent, ref(second), triage.InternalPending)
		require.NoError(t, err)
		require.NoError(t, b.service.Follow(t.Context(), desk.FollowTicketArgs{TenantID: b.tenant, TicketID: second.ID}))
		require.NoError(t, b.service.Follow(t.Context(), desk.FollowTicketArgs{TenantID: b.tenant, TicketID: third.ID}))
		require.Equal(t, b.detail(t, third).Ticket.CustomerState, b.detail(t, a).Ticket.CustomerState, "what was merged before is none of it")
		reopen()
		merge(a, second)
		require.Equal(t, second.ID, into(), "the last merge counts")
		reopen()
		merge(a, third)
		merge(second, third)
		require.Equal(t, third.ID, into())
		require.Len(t, b.detail(t, third).Related, 2)
	})

	t.Run("another person learns nothing of the first, in any language", func(t *testing.T) {
		t.Parallel()
		seen := map[string]bool{}
		for _, language := range []string{"en", "de", "fr", "es", "pt"} {
			b := setup(t)
			eve := b.db.User(t, b.tenant, "eve@acme.test")
			stays := b.escalate(t, "Anas secret import")
			other := b.talkOf(t, eve)
			var gone triage.Ticket
			b.tx(t, func(tx pgx.Tx) (err error) {
				in := escalation(b.write(t, tx, other, "Eves import"))
				in.Classification.Language = language
				gone, err = b.service.Escalate(t.Context(), tx, in)
				return err
			})
			_, err := b.service.Merge(t.Context(), b.agent, ref(gone), ref(stays))
			require.NoError(t, err)
			b.tx(t, func(tx pgx.Tx) error {
				m := b.write(t, tx, other, "Eve asks on")
				_, _, err := b.service.CustomerWrote(t.Context(), tx, desk.CustomerMessage{Message: m})
				return err
			})
			_, err = b.service.Reply(t.Context(), b.agent, ref(stays), desk.Reply{Text: "Dear Ana"})
			require.NoError(t, err)
			eves, anas := b.public(t, gone), b.public(t, stays)
			require.Len(t, eves, 3)
			require.NotContains(t, eves[1], "#", "which ticket it is, is not hers to know")
			seen[eves[1]] = true
			require.NotContains(t, strings.Join(eves, "\n"), "Ana")
			require.Equal(t, []string{"Anas secret import", "Dear Ana"}, anas)
		}
		require.Len(t, seen, 5)
	})
}

func TestMergesThatWereTakenBackAreForgotten(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var tickets []triage.Ticket
	for _, name := range []string{"One", "Two", "Three"} {
		tickets = append(tickets, b.escalateIn(t, b.talk(t), name))
	}
	_, err := b.service.Merge(t.Context(), b.agent, ref(tickets[0]), ref(tickets[2]))
	require.NoError(t, err)
	owner, err := pgx.Connect(t.Context(), b.db.OwnerURL)
	require.NoError(t, err)
	defer owner.Close(t.Context())
	_, err = owner.Exec(t.Context(), `drop index ticket_relations_merged_once`)
	require.NoError(t, err)
	b.tx(t, func(tx pgx.Tx) error { // as they stood before
		_, err := tx.Exec(t.Context(), `insert into ticket_relations (tenant_id, ticket_id, related_id, kind, created_at)
			values ($1, $2, $3, 'merged_into', now() - interval '1 day'), ($1, $3, $2, 'merged_into', now())`, b.tenant, tickets[0].ID, tickets[1].ID)
		return err
	})
	file, err := os.ReadFile("../../migrations/00213_merged_once.sql")
	require.NoError(t, err)
	up, _, _ := strings.Cut(string(file), "-- +goose Down")
	_, err = owner.Exec(t.Context(), up)
	require.NoError(t, err)
	b.tx(t, func(tx pgx.Tx) error {
		var from, into uuid.UUID
		require.NoError(t, tx.QueryRow(t.Context(), `select ticket_id, related_id from ticket_relations where kind = 'merged_into'`).Scan(&from, &into))
		require.Equal(t, []uuid.UUID{tickets[0].ID, tickets[2].ID}, []uuid.UUID{from, into})
		var n int
		require.NoError(t, tx.QueryRow(t.Context(), `select count(*) from ticket_relations where kind = 'merged_into'`).Scan(&n))
		require.Equal(t, 1, n)
		return nil
	})
}
