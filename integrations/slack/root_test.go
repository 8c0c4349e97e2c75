package slack_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/integrations/slack"
	"github.com/usherdesk/usher/integrations/slack/slackfake"
	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/desk"
)

func (b *testBundle) ref(ticket triage.Ticket) desk.TicketRef {
	return desk.TicketRef{TenantID: b.tenant, ID: ticket.ID}
}

func (b *testBundle) agent() triage.Actor { return triage.Actor{Kind: triage.ActorStaff, ID: b.bo} }

func (b *testBundle) prioritise(t *testing.T, ticket triage.Ticket, p triage.Priority) {
	t.Helper()
	_, err := b.desk.SetPriority(t.Context(), b.agent(), b.ref(ticket), p)
	require.NoError(t, err)
	b.drain(t, ticket)
}

func TestARootThatWasDeleted(t *testing.T) {
	t.Parallel()

	t.Run("is posted anew once, also where that answer is lost", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		ticket := b.escalate(t, "Help")
		b.slack.Delete(b.slack.Messages("")[0].TS)
		var lost atomic.Bool
		b.slack.Fail(func(method string) slackfake.Fault {
			return slackfake.Fault{Lose: method == "chat.postMessage" && lost.CompareAndSwap(false, true)}
		})
		b.prioritise(t, ticket, triage.PriorityUrgent)
		require.True(t, lost.Load())
		roots := b.slack.Messages("")
		require.Len(t, roots, 1)
		require.Equal(t, "C00000001:"+roots[0].TS, b.detail(t, ticket).Links[0].ExternalID)
		b.prioritise(t, ticket, triage.PriorityLow)
		require.Contains(t, string(b.slack.Messages("")[0].Blocks), "Low")
	})

	t.Run("keeps its thread: what is written there is the ticket's", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		ticket := b.escalate(t, "Help")
		old := b.slack.Messages("")[0].TS
		b.slack.Delete(old)
		b.prioritise(t, ticket, triage.PriorityUrgent)
		for i, subtype := range []string{"", "me_message"} {
			b.event(t, fmt.Sprintf("E%d", i), map[string]any{"type": "message", "subtype": subtype, "channel_type": "group", "user": "U00000BO", "channel": "C00000001",
				"text": fmt.Sprintf("in the old thread %d", i), "ts": fmt.Sprintf("1700000001.00000%d", i), "thread_ts": old})
			notes := b.detail(t, ticket).Messages
			require.Len(t, notes, 2+i)
			require.Equal(t, triage.Internal, notes[1+i].Visibility)
			require.Equal(t, fmt.Sprintf("in the old thread %d", i), notes[1+i].Body)
		}
		b.event(t, "E9", map[string]any{"type": "message", "channel_type": "group", "user": "U00000BO", "channel": "C00000001", "text": "of nothing", "ts": "1700000002.000001", "thread_ts": "1700000009.000001"})
		require.Len(t, b.detail(t, ticket).Messages, 3, "another thread is none of ours")
	})
}

func TestAnotherAppsMarkIsNotBelieved(t *testing.T) {
	t.Parallel()
	mark := func(b *testBundle, ticket triage.Ticket, key string) string {
		return fmt.Sprintf(`{"event_type":"usher_delivery","event_payload":{"key":%q,"tenant":%q,"ticket":%q}}`, key, b.tenant, ticket.ID)
	}

	t.Run("in an event", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		ticket := b.escalate(t, "Help")
		require.NoError(t, b.db.Worker.WithTenant(t.Context(), b.tenant, func(tx pgx.Tx) error {
			_, err := tx.Exec(t.Context(), `delete from ticket_links where tenant_id = $1`, b.tenant)
			return err
		}))
		observe := func(id, bot string) {
			b.event(t, id, map[string]any{"type": "message", "bot_id": bot, "channel": "C00000001", "ts": "1700000000.000009", "text": "x",
				"metadata": map[string]any{"event_type": "usher_delivery", "event_payload": map[string]any{"key": "root:" + ticket.ID.String(), "tenant": b.tenant.String(), "ticket": ticket.ID.String()}}})
		}
		observe("E1", "B0000EVIL")
		require.Empty(t, b.detail(t, ticket).Links)
		observe("E2", "B00000001")
		require.Len(t, b.detail(t, ticket).Links, 1)
	})

	t.Run("when a lost message is looked for", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		var refused atomic.Bool
		b.slack.Fail(func(method string) slackfake.Fault {
			if method == "chat.postMessage" && refused.CompareAndSwap(false, true) {
				return slackfake.Fault{Status: 500}
			}
			return slackfake.Fault{}
		})
		// The other app is there before the second try.
		ticket := b.handOver(t, "Help")
		b.slack.Plant("B0000EVIL", "", "not ours", mark(b, ticket, "root:"+ticket.ID.String()))
		b.drain(t, ticket)
		require.True(t, refused.Load())
		roots := b.slack.Messages("")
		require.Len(t, roots, 2)
		require.Equal(t, "C00000001:"+roots[1].TS, b.detail(t, ticket).Links[0].ExternalID)
	})
}

func TestAChannelThatOthersCanRead(t *testing.T) {
	t.Parallel()

	t.Run("shared later: nothing is posted, changed or whispered any more", func(t *testing.T) {
		t.Parallel()
		at := time.Now()
		b := setupClient(t, func(c *slack.Config) { c.Now = func() time.Time { return at } })
		ticket := b.escalate(t, "Help")
		_, err := b.desk.AddNote(t.Context(), b.agent(), b.ref(ticket), desk.InternalNote{Text: "psst", ClientKey: "n1"})
		require.NoError(t, err)
		b.drain(t, ticket)
		shown := func() string {
			root := b.slack.Messages("")[0]
			text := string(root.Blocks)
			for _, m := range b.slack.Messages(root.TS) {
				text += "\n" + string(m.Blocks)
			}
			return text
		}
		before := shown()
		b.slack.Share()
		at = at.Add(11 * time.Minute)
		require.NoError(t, b.desk.EditNote(t.Context(), b.agent(), b.ref(ticket), "n1", "SECRET"))
		_, err = b.desk.SetPriority(t.Context(), b.agent(), b.ref(ticket), triage.PriorityUrgent)
		require.NoError(t, err)
		b.drain(t, ticket)
		b.press(t, ticket, "U0000EVE", "claim")
		require.Equal(t, before, shown())
		require.Empty(t, b.slack.Ephemeral())
		failed := 0
		for _, d := range b.detail(t, ticket).Deliveries {
			if d.State == "failed" {
				failed++
				require.Contains(t, d.LastError, "shared with another organisation")
			}
		}
		require.Equal(t, 2, failed)
	})

	t.Run("public: nothing is posted, and it is said why", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.slack.Publish()
		var permanent *desk.PermanentError
		require.ErrorAs(t, b.client.Check(t.Context()), &permanent)
		ticket := b.escalate(t, "Help")
		require.Empty(t, b.slack.Messages(""))
		require.Equal(t, permanent.Safe, b.detail(t, ticket).Deliveries[0].LastError)
		require.Contains(t, permanent.Safe, "private")
	})
}
