package slack_test

import (
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/desk"
)

func TestWhatChangesIsEditedInTheThread(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ticket := b.escalate(t, "My password is hunter2hunter2")
	root := b.slack.Messages("")[0].TS
	first := b.detail(t, ticket).Messages[0]
	revise := func(text string) {
		require.NoError(t, b.db.App.WithTenant(t.Context(), b.tenant, func(tx pgx.Tx) error {
			m, err := triage.MessageByID(t.Context(), tx, b.tenant, first.ID)
			require.NoError(t, err)
			ana := triage.Actor{Kind: triage.ActorCustomer, ID: b.user, TenantID: b.tenant, Name: "Ana"}
			changed, err := triage.ReviseMessage(t.Context(), tx, m, text, ana, m.CreatedAt)
			require.NoError(t, err)
			return b.desk.CustomerChanged(t.Context(), tx, changed, m.Body, ana)
		}))
		b.drain(t, ticket)
	}
	revise("My <!channel> password does not work")
	thread := b.slack.Messages(root)
	require.Len(t, thread, 2, "nothing is posted again")
	require.Contains(t, string(thread[1].Blocks), "password does not work")
	require.NotContains(t, string(thread[1].Blocks), "hunter2")
	requireInert(t, thread[1].Blocks)
	revise("")
	thread = b.slack.Messages(root)
	require.Contains(t, string(thread[1].Blocks), "took this message back")
	require.NotContains(t, string(thread[1].Blocks), "password")
}

func TestARepliesMenu(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ticket := b.escalate(t, "Where is it?")
	root := b.slack.Messages("")[0].TS
	reply, err := b.desk.Reply(t.Context(), triage.Actor{Kind: triage.ActorStaff, ID: b.bo}, desk.TicketRef{TenantID: b.tenant, ID: ticket.ID}, desk.Reply{Text: "On Monday."})
	require.NoError(t, err)
	b.drain(t, ticket)
	sent := b.slack.Messages(root)[2]
	require.Contains(t, string(sent.Blocks), "amend:"+reply.ID.String())

	b.press(t, ticket, "U00000BO", "amend:"+reply.ID.String())
	views := b.slack.Views()
	require.Contains(t, string(views[len(views)-1].View), "On Monday.")
	for range 2 { // pressed twice
		require.NotContains(t, b.submit(t, ticket, "U00000BO", "V1", "amend|"+reply.ID.String(), map[string]string{"text": "On Tuesday."}), "errors")
	}
	messages := b.detail(t, ticket).Messages
	require.Equal(t, "Korrektur zu meiner früheren Nachricht:\n\nOn Tuesday.", messages[len(messages)-1].Body, "in the customer's language")
	require.Len(t, messages, 3)

	b.press(t, ticket, "U00000BO", "withdraw:"+reply.ID.String())
	require.NotContains(t, b.submit(t, ticket, "U00000BO", "V2", "withdraw|"+reply.ID.String(), nil), "errors")
	b.drain(t, ticket)
	require.Equal(t, triage.MessageDeleted, b.detail(t, ticket).Messages[1].State)
	taken := b.slack.Messages(root)[2]
	require.Contains(t, string(taken.Blocks), "was taken back")
	require.NotContains(t, string(taken.Blocks), "On Monday")
	require.NotContains(t, string(taken.Blocks), "withdraw:", "nothing is left to do about it")

	b.press(t, ticket, "U00000BO", "amend:"+reply.ID.String())
	views = b.slack.Views()
	require.Contains(t, string(views[len(views)-1].View), "taken back already")
	require.Contains(t, b.submit(t, ticket, "U00000BO", "V3", "amend|"+reply.ID.String(), map[string]string{"text": "x"}), "errors")
	require.Contains(t, b.submit(t, ticket, "U0000EVE", "V4", "amend|"+messages[2].ID.String(), map[string]string{"text": "x"}), "errors", "a stranger")
	require.Contains(t, b.submit(t, ticket, "U00000BO", "V5", "amend|"+messages[0].ID.String(), map[string]string{"text": "x"}), "errors", "a customer's message is no reply")
}
