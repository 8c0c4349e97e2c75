package slack_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/integrations/slack/slackfake"
	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/desk"
)

func TestAWindowThatIsSlowToOpenLosesNoPress(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ticket := b.escalate(t, "Help")
	b.slack.Fail(func(method string) slackfake.Fault {
		if method == "views.open" {
			return slackfake.Fault{Delay: 3 * time.Second}
		}
		return slackfake.Fault{}
	})
	begin := time.Now()
	b.press(t, ticket, "U00000BO", "note")
	require.Less(t, time.Since(begin), 3*time.Second, "Slack waits no longer")
	require.Len(t, b.slack.Ephemeral(), 1)
	require.Contains(t, b.slack.Ephemeral()[0].Text, "press the button again")
}

func TestAPressIsKeptAlsoWhereWhoAskedIsGone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ticket := b.escalate(t, "Help")
	gone, cancel := context.WithCancel(t.Context())
	b.slack.Fail(func(method string) slackfake.Fault {
		if method == "views.open" {
			cancel()
			return slackfake.Fault{Delay: 300 * time.Millisecond}
		}
		return slackfake.Fault{}
	})
	b.pressWithin(gone, t, ticket, "U00000BO", "note")
	b.work(t)
	require.Len(t, b.slack.Ephemeral(), 1)
}

func TestTheReplyWindowSaysHowTheTextArrives(t *testing.T) {
	t.Parallel()
	for channel, want := range map[triage.Channel]string{
		triage.ChannelChat: "sees this text in their chat", triage.ChannelEmail: "gets this text by e-mail", triage.ChannelAPI: "sees this text in the conversation",
	} {
		t.Run(string(channel), func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.channel = channel
			ticket := b.escalate(t, "Help")
			b.press(t, ticket, "U00000BO", "reply")
			require.Contains(t, string(b.slack.Views()[0].View), "The customer "+want+", with your name.")
		})
	}
}

func TestWhatUsherSaysByItselfIsNobodysReply(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ticket := b.escalate(t, "Help")
	_, err := b.desk.SetState(t.Context(), b.agent(), b.ref(ticket), triage.InternalPending)
	require.NoError(t, err)
	require.NoError(t, b.db.Worker.WithTenant(t.Context(), b.tenant, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `update tickets set updated_at = now() - interval '8 days' where tenant_id = $1`, b.tenant)
		return err
	}))
	require.NoError(t, b.desk.SweepIdle(t.Context()))
	require.Equal(t, triage.InternalSolved, b.detail(t, ticket).Ticket.InternalState)
	b.drain(t, ticket)
	thread := b.slack.Messages(b.slack.Messages("")[0].TS)
	last := thread[len(thread)-1]
	require.Contains(t, last.Text, "Sent to customer automatically, Usher: ")
	require.NotContains(t, string(last.Blocks), "Take back")
	require.NotContains(t, string(last.Blocks), `"amend`)
	var none uuid.UUID
	for _, m := range b.detail(t, ticket).Messages {
		if m.AuthorKind == triage.AuthorSystem {
			require.ErrorIs(t, b.desk.Withdraw(t.Context(), b.agent(), desk.TicketRef{TenantID: b.tenant, ID: ticket.ID}, m.ID), triage.ErrMessageNotFound)
			none = m.ID
		}
	}
	require.NotZero(t, none)
}
