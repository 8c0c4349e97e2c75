package slack_test

import (
	"context"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/integrations/slack"
	"github.com/usherdesk/usher/integrations/slack/slackfake"
	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/action"
	"github.com/usherdesk/usher/triage/desk"
	"github.com/usherdesk/usher/triage/procedure"
)

// sent counts what an action sends.
type sent struct{ requests []action.Request }

func (s *sent) Send(_ context.Context, r action.Request) (action.Answer, error) {
	s.requests = append(s.requests, r)
	return action.Answer{Status: 204}, nil
}

type approvals struct {
	*testBundle
	actions *action.Service
	sent    *sent
}

func withApprovals(t *testing.T) *approvals {
	t.Helper()
	a := &approvals{sent: &sent{}}
	a.testBundle = setup(t, func(c *slack.InboundConfig) {
		a.actions = action.New(action.Config{
			DB: c.DB, Jobs: c.Jobs, Desk: c.Desk, Sender: a.sent,
			TicketURL: func(_, id uuid.UUID) string { return "https://usher.test/agent/tickets/" + id.String() },
		})
		c.Desk.Approval = a.actions.Card
		c.Approvals = a.actions
	})
	return a
}

// propose puts an action on a ticket; note is the value of its one free text.
func (a *approvals) propose(t *testing.T, ticket triage.Ticket, note string) action.Proposal {
	t.Helper()
	d, err := action.Parse([]byte(`
key: refund
title: "Refund *the* order <!channel>"
words: {en: "Refund your order"}
done: {en: "Your order is refunded."}
method: POST
base_url: https://shop.test
path: /refunds
auth: {kind: bearer}
parameters: [{name: note, label: Note, kind: text, length: 2000}]
body: {note: "{note}", more: "{note}", again: "{note}"}
`))
	require.NoError(t, err)
	secret := "s3cr3t"
	var list []action.Proposal
	require.NoError(t, a.db.Worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) error {
		if _, err := action.Put(t.Context(), tx, d, &secret); err != nil {
			return err
		}
		return action.Switch(t.Context(), tx, "refund", true)
	}))
	require.NoError(t, a.db.Worker.WithTenant(t.Context(), a.tenant, func(tx pgx.Tx) (err error) {
		asker := triage.Actor{Kind: triage.ActorCustomer, TenantID: a.tenant, ID: a.user, Name: "Ana <@U00000BO>"}
		in := procedure.Proposing{Action: "refund", Values: map[string]string{"note": note}, Asker: asker, Language: "en", Key: uuid.NewString()}
		if err := a.actions.Propose(t.Context(), tx, in, ticket.ID); err != nil {
			return err
		}
		list, err = action.OfTicket(t.Context(), tx, a.tenant, ticket.ID)
		return err
	}))
	a.drain(t, ticket)
	return list[len(list)-1]
}

func (a *approvals) pressCard(t *testing.T, ticket triage.Ticket, user, act, id string) {
	t.Helper()
	a.interact(t, map[string]any{
		"type": "block_actions", "trigger_id": "1.2.3", "user": map[string]any{"id": user, "team_id": "T00000001"}, "channel": map[string]any{"id": "C00000001"},
		"actions": []any{map[string]any{
			"type": "button", "block_id": "ticket|" + ticket.TenantID.String() + "|" + ticket.ID.String(), "action_id": act, "value": id,
			"action_ts": strconv.FormatInt(time.Now().UnixNano(), 10),
		}},
	})
	a.drain(t, ticket)
}

func (a *approvals) card(t *testing.T) slackfake.Message {
	t.Helper()
	roots := a.slack.Messages("")
	require.Len(t, roots, 1)
	var found []slackfake.Message
	for _, m := range a.slack.Messages(roots[0].TS) {
		if strings.Contains(m.Text, "Refund the order") {
			found = append(found, m)
		}
	}
	require.Len(t, found, 1, "one card for life")
	return found[0]
}

func TestAnActionIsApprovedOnItsCard(t *testing.T) {
	t.Parallel()
	a := withApprovals(t)
	ticket := a.escalate(t, "I want a refund")
	p := a.propose(t, ticket, `<!here> say "hi"`)
	card := a.card(t)
	requireInert(t, card.Blocks)
	require.NotContains(t, card.Text, "<@U")
	require.NotContains(t, string(card.Blocks), "s3cr3t")
	for _, part := range []string{"To be approved", "Tenant acme", "POST https://shop.test/refunds", "Authorization: Bearer ••••••", p.ID.String(), `"approve"`, `"decline"`, "Exactly this will be sent"} {
		require.Contains(t, string(card.Blocks), part)
	}

	a.pressCard(t, ticket, "U0000EVE", "approve", p.ID.String())
	require.Contains(t, a.slack.Ephemeral()[0].Text, "cannot act on tickets from Slack")
	a.pressCard(t, ticket, "U00000BO", "approve", uuid.NewString())
	require.Contains(t, a.slack.Ephemeral()[1].Text, "not there any more")

	a.pressCard(t, ticket, "U00000BO", "approve", p.ID.String())
	require.Contains(t, string(a.card(t).Blocks), "on its way · decided by bo@usher.test")
	require.NotContains(t, string(a.card(t).Blocks), `"approve"`)
	require.Empty(t, a.sent.requests, "a press sends nothing by itself")
	a.pressCard(t, ticket, "U00000BO", "decline", p.ID.String())
	require.Contains(t, a.slack.Ephemeral()[2].Text, "Already decided by bo@usher.test")

	_, err := a.actions.Run(t.Context(), a.tenant, p.ID)
	require.NoError(t, err)
	a.drain(t, ticket)
	require.Len(t, a.sent.requests, 1)
	require.Contains(t, string(a.card(t).Blocks), "✅ Done")
	require.Contains(t, a.detail(t, ticket).Messages[len(a.detail(t, ticket).Messages)-1].Body, "Your order is refunded.")
}

func TestAnActionIsDeclinedOnItsCard(t *testing.T) {
	t.Parallel()
	a := withApprovals(t)
	ticket := a.escalate(t, "I want a refund")
	p := a.propose(t, ticket, "please")
	a.pressCard(t, ticket, "U00000BO", "decline", p.ID.String())
	require.Contains(t, string(a.card(t).Blocks), "🚫 Declined")
	_, err := a.actions.Run(t.Context(), a.tenant, p.ID)
	require.NoError(t, err)
	require.Empty(t, a.sent.requests)
}

func TestWhatSlackCannotShowAsAWholeIsNotApprovedThere(t *testing.T) {
	t.Parallel()
	a := withApprovals(t)
	ticket := a.escalate(t, "I want a refund")
	a.propose(t, ticket, strings.Repeat("x", 1990))
	card := a.card(t)
	require.NotContains(t, string(card.Blocks), `"approve"`)
	require.Contains(t, string(card.Blocks), "Please decide in Usher")
	require.Contains(t, string(card.Blocks), "https://usher.test/agent/tickets/"+ticket.ID.String())
	require.Positive(t, a.slack.Checked())
}

func TestACardNeverLeavesInACatchUp(t *testing.T) {
	t.Parallel()
	a := withApprovals(t)
	ticket := a.escalate(t, "I want a refund")
	for _, text := range []string{"one", "two"} {
		_, err := a.desk.AddNote(t.Context(), triage.Actor{Kind: triage.ActorStaff, ID: a.bo}, desk.TicketRef{TenantID: a.tenant, ID: ticket.ID}, desk.InternalNote{Text: text})
		require.NoError(t, err)
	}
	down := true
	a.slack.Fail(func(string) slackfake.Fault {
		if down {
			return slackfake.Fault{Error: "fatal_error"}
		}
		return slackfake.Fault{}
	})
	require.NoError(t, a.db.Worker.WithTenant(t.Context(), a.tenant, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `update deliveries set created_at = created_at - interval '1 hour' where ticket_id = $1`, ticket.ID)
		return err
	}))
	down = false
	p := a.propose(t, ticket, "please")
	require.Contains(t, string(a.card(t).Blocks), p.ID.String())
	require.Contains(t, string(a.card(t).Blocks), `"approve"`)
}
