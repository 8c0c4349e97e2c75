package slack_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/integrations/slack"
	"github.com/usherdesk/usher/integrations/slack/slackfake"
	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/desk"
)

// given is a ticket that Bo gave to Cy.
func given(t *testing.T, b *testBundle, subject string) triage.Ticket {
	t.Helper()
	cy := b.db.Staff(t, "cy@usher.test")
	_, err := b.db.Worker.Pool().Exec(t.Context(), `update staff set slack_user_id = 'U00000CY' where id = $1`, cy)
	require.NoError(t, err)
	b.slack.AddUser(slackfake.User{ID: "U00000CY", Email: "cy@usher.test", Name: "Cy"})
	ticket := b.escalate(t, subject)
	_, err = b.desk.Assign(t.Context(), b.agent(), b.ref(ticket), cy)
	require.NoError(t, err)
	return ticket
}

func TestAPingIsADirectMessage(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ticket := given(t, b, "Import <!channel> stops")
	b.drain(t, ticket)
	got := b.slack.Direct("U00000CY")
	require.Len(t, got, 1)
	require.Contains(t, got[0].Text, "#1001: bo@usher.test gave you this ticket: Import &lt;!channel&gt; stops")
	require.Contains(t, string(got[0].Blocks), "Open the thread")
	requireInert(t, got[0].Blocks)
	require.Len(t, b.slack.Messages(b.slack.Messages("")[0].TS), 2, "the thread has no copy of it")
}

func TestPingsThatPiledUpAreAllShown(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ticket := given(t, b, "Help")
	b.drain(t, ticket)
	var lines []string
	for i := range 40 {
		lines = append(lines, fmt.Sprintf("09:%02d UTC · Usher: reminder %d. %s", i, i, strings.Repeat("It is due. ", 15)))
	}
	_, err := b.client.Ping(t.Context(), desk.Ping{Key: "k", Person: "U00000CY", Number: ticket.Number, Text: strings.Join(lines, "\n")})
	require.NoError(t, err)
	got := b.slack.Direct("U00000CY")
	require.Len(t, got, 2)
	requireInert(t, got[1].Blocks)
	for i := range lines {
		require.Equal(t, 1, strings.Count(string(got[1].Blocks), fmt.Sprintf("reminder %d.", i)))
	}
}

func TestAPingThatDoesNotArriveAtOnce(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]slackfake.Fault{
		"refused for now": {Status: 500}, "limited": {Status: 429, RetryAfter: 1}, "its answer lost": {Lose: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			var hit atomic.Bool
			ticket := given(t, b, "Help")
			b.slack.FailPost(func(channel string) slackfake.Fault {
				if channel == "U00000CY" && hit.CompareAndSwap(false, true) {
					return fault
				}
				return slackfake.Fault{}
			})
			drain := func() {
				_, err := b.desk.Drain(t.Context(), b.tenant, ticket.ID, slack.System, time.Minute)
				require.NoError(t, err)
			}
			drain()
			require.True(t, hit.Load())
			var pauses int
			require.NoError(t, b.db.Worker.Pool().QueryRow(t.Context(), `select count(*) from delivery_pauses`).Scan(&pauses))
			require.Zero(t, pauses, "one person's limit pauses nothing else")
			require.Eventually(t, func() bool { drain(); return len(b.slack.Direct("U00000CY")) > 0 }, 10*time.Second, 20*time.Millisecond)
			drain()
			require.Len(t, b.slack.Direct("U00000CY"), 1, "once")
		})
	}
}

func TestAPingToSomebodyWhoLeft(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ticket := given(t, b, "Help")
	b.slack.AddUser(slackfake.User{ID: "U00000CY", Email: "cy@usher.test", Name: "Cy", Restricted: true})
	b.drain(t, ticket)
	require.Empty(t, b.slack.Direct("U00000CY"))
	var permanent *desk.PermanentError
	_, err := b.client.Ping(t.Context(), desk.Ping{Key: "k", Person: "U00000CY", Text: "psst"})
	require.ErrorAs(t, err, &permanent)
	require.Equal(t, slack.System, b.client.System())
}
