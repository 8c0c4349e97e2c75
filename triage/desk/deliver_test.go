package desk_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/desk"
	"github.com/usherdesk/usher/triage/desk/desktest"
)

// reach makes a member of staff known at the channel.
func (b *testBundle) reach(t *testing.T, actor triage.Actor, id string) {
	t.Helper()
	_, err := b.db.Worker.Pool().Exec(t.Context(), `update staff set slack_user_id = $2 where id = $1`, actor.ID, id)
	require.NoError(t, err)
}

func down(only ...string) desktest.Faults {
	return func(call string) desktest.Fault {
		for _, name := range only {
			if name == call {
				return desktest.Fault{Before: &desk.TemporaryError{Safe: "Slack could not be reached.", Err: errors.New("down")}}
			}
		}
		return desktest.Fault{}
	}
}

// sayIn is the customer's further message in any conversation.
func (b *testBundle) sayIn(t *testing.T, conversation uuid.UUID, text string) {
	t.Helper()
	b.tx(t, func(tx pgx.Tx) error {
		m := b.write(t, tx, conversation, text)
		_, _, err := b.service.CustomerWrote(t.Context(), tx, desk.CustomerMessage{Message: m})
		return err
	})
}

func labels(posts []desk.Post) map[desk.PostLabel]int {
	out := map[desk.PostLabel]int{}
	for _, p := range posts {
		out[p.Label]++
	}
	return out
}

func TestSixHoursWithoutTheChannel(t *testing.T) {
	t.Parallel()
	b := promised(t)
	b.reach(t, b.agent, "U0BO")
	elsewhere := b.talk(t)
	before := b.escalate(t, "Help")
	_, err := b.service.Claim(t.Context(), b.agent, ref(before))
	require.NoError(t, err)
	b.settle(t, before)
	require.Len(t, b.slack.Thread(before.ID), 2)

	b.slack.Fail(down("root", "thread", "ping"))
	during := b.escalateIn(t, elsewhere, "Also help")
	tickets := []triage.Ticket{before, during}
	n := 0
	for end := b.clock.now().Add(6 * time.Hour); b.clock.now().Before(end); b.clock.advance(2 * time.Minute) {
		if n%14 == 0 {
			b.sayIn(t, b.conversation, fmt.Sprintf("Old %d.", n/14))
			b.sayIn(t, elsewhere, fmt.Sprintf("New %d.", n/14))
		}
		n++
		require.NoError(t, b.service.SweepClocks(t.Context()))
		for _, ticket := range tickets {
			_, err := b.service.Drain(t.Context(), b.tenant, ticket.ID, "slack", time.Minute)
			require.NoError(t, err)
		}
	}
	for _, ticket := range tickets {
		d := b.detail(t, ticket)
		require.Zero(t, states(d)["slack/root/failed"]+states(d)["slack/thread/failed"], "nothing is given up")
		late := 0
		for _, row := range d.Deliveries {
			if row.Destination != "slack" || row.State != "pending" || row.Attempts == 0 {
				continue
			}
			late++
			require.Equal(t, "Slack could not be reached.", row.LastError)
			require.LessOrEqual(t, row.NextAt.Sub(b.clock.now()), 10*time.Minute)
			require.Greater(t, row.Attempts, 20)
		}
		require.NotZero(t, late)
	}
	pings := b.count(t, before, "sla_warning") + b.count(t, before, "sla_breached")
	require.Greater(t, pings, 1)

	b.slack.Fail(nil)
	b.clock.advance(10 * time.Minute)
	for i, ticket := range tickets {
		b.settle(t, ticket)
		thread := b.slack.Thread(ticket.ID)
		require.Len(t, b.slack.Roots[ticket.ID], 1)
		require.Equal(t, 1, labels(thread)[desk.PostCatchUp], "one catch-up")
		all := ""
		for _, p := range thread {
			all += p.Text + "\n"
		}
		for j := range (n + 13) / 14 {
			require.Equal(t, 1, strings.Count(all, fmt.Sprintf("%s %d.", []string{"Old", "New"}[i], j)))
		}
	}
	// Of the owner's reminders the first was tried alone; the others come together.
	require.Len(t, b.slack.Pings, 2)
	told := b.slack.Pings[0].Text + "\n" + b.slack.Pings[1].Text
	require.Equal(t, pings, strings.Count(told, " due at "), told)
	require.Equal(t, "U0BO", b.slack.Pings[0].Person)
	for _, p := range b.slack.Thread(before.ID) {
		if p.Label == desk.PostCatchUp {
			require.Equal(t, "U0BO", p.Ping, "the catch-up names whom it is for")
		}
	}
}

func TestNothingOfAManyWordedOutageIsLost(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ticket := b.escalate(t, "Help")
	b.settle(t, ticket)
	for i := range 150 {
		b.say(t, fmt.Sprintf("Row %d of the file cannot be read, says the import, and it names no reason that anybody here understands.", i), false)
	}
	b.clock.advance(10 * time.Minute)
	b.settle(t, ticket)
	all := ""
	for _, p := range b.slack.Thread(ticket.ID) {
		require.LessOrEqual(t, len(p.Text), 10000, "a channel shows no more of one message")
		all += p.Text + "\n"
	}
	for i := range 150 {
		require.Equal(t, 1, strings.Count(all, fmt.Sprintf("Row %d of", i)))
	}
	require.Contains(t, all, "Row 149 of the file cannot be read, says the import, and it names no reason that anybody here understands.")
}

func TestAnOwnersRemindersGoNoFurtherThanTheTicket(t *testing.T) {
	t.Parallel()
	b := setup(t)
	kim := triage.Actor{Kind: triage.ActorStaff, ID: b.db.Staff(t, "kim@usher.test", "lead")}
	b.reach(t, kim, "U0KIM")
	ticket := b.escalate(t, "Help")
	b.settle(t, ticket)
	_, err := b.service.RaiseToLead(t.Context(), b.agent, ref(ticket), "It concerns money") // though the ticket is not theirs
	require.NoError(t, err)
	for _, owner := range []uuid.UUID{kim.ID, b.agent.ID} {
		_, err = b.service.Assign(t.Context(), b.agent, ref(ticket), owner)
		require.NoError(t, err)
	}
	b.clock.advance(10 * time.Minute)
	b.settle(t, ticket)
	require.Len(t, b.slack.Pings, 1)
	require.Contains(t, b.slack.Pings[0].Text, "It concerns money")
	require.NotContains(t, b.slack.Pings[0].Text, "gave you this ticket", "it is somebody else's by now")
	require.Equal(t, 1, states(b.detail(t, ticket))["slack/ping/discarded"])
}

func TestAPostThatNeverPassesHoldsUpNoOtherWhereTheRestPasses(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *desk.Config) { c.MaxAttempts = 3 })
	ticket := b.escalate(t, "Help")
	b.settle(t, ticket)
	poison := true
	b.slack.Fail(func(call string) desktest.Fault {
		if call == "thread" && poison {
			return down("thread")(call)
		}
		return desktest.Fault{}
	})
	drain := func() {
		for range 6 {
			wait, err := b.service.Drain(t.Context(), b.tenant, ticket.ID, "slack", time.Minute)
			require.NoError(t, err)
			b.clock.advance(wait)
		}
	}
	b.say(t, "Poison", false)
	drain()
	require.Len(t, b.slack.Thread(ticket.ID), 2)
	var tries int
	for _, row := range b.detail(t, ticket).Deliveries {
		tries = max(tries, row.Attempts)
	}
	require.Greater(t, tries, 3, "it is still tried")
	// The root takes the ticket's change, so the destination works: the next post goes by.
	b.say(t, "Next", false)
	_, err := b.service.Drain(t.Context(), b.tenant, ticket.ID, "slack", time.Minute) // the root, and the next post's own first try
	require.NoError(t, err)
	poison = false
	_, err = b.service.Drain(t.Context(), b.tenant, ticket.ID, "slack", time.Minute)
	require.NoError(t, err)
	b.settle(t, ticket)
	thread := b.slack.Thread(ticket.ID)
	require.Len(t, thread, 4)
	require.ElementsMatch(t, []string{"Poison", "Next"}, []string{thread[2].Text, thread[3].Text})
	require.Equal(t, "Next", thread[2].Text)
}

func TestDiscarding(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ticket := b.escalate(t, "Help")
	b.settle(t, ticket)
	row := func(state string) desk.DeliveryRow {
		rows, err := b.service.Deliveries(t.Context(), desk.DeliveryFilter{State: state, Destination: "slack"}, triage.Page{})
		require.NoError(t, err)
		require.NotEmpty(t, rows, state)
		return rows[0]
	}
	discard := func(d desk.DeliveryRow) error {
		return b.service.Discard(t.Context(), b.agent, d.TenantID, d.ID)
	}

	// A failed one stays unsent, and what is behind it goes on.
	b.slack.Fail(func(call string) desktest.Fault {
		if call == "thread" {
			return desktest.Fault{Before: &desk.PermanentError{Safe: "Refused.", Err: errors.New("no")}}
		}
		return desktest.Fault{}
	})
	b.say(t, "Failed one", false)
	b.settle(t, ticket)
	failed := row("failed")
	require.NoError(t, discard(failed))
	b.slack.Fail(nil)
	b.say(t, "After it", false)
	b.settle(t, ticket)
	require.ErrorIs(t, discard(failed), desk.ErrDeliveryNotFound, "only once")

	// So does one that waits.
	b.slack.Fail(down("thread"))
	b.say(t, "Waiting one", false)
	_, err := b.service.Drain(t.Context(), b.tenant, ticket.ID, "slack", time.Minute)
	require.NoError(t, err)
	pending := row("pending")
	require.NotZero(t, pending.Attempts)
	require.NoError(t, discard(pending))
	b.slack.Fail(nil)
	b.say(t, "After that", false)
	b.settle(t, ticket)
	var texts []string
	for _, p := range b.slack.Thread(ticket.ID)[2:] {
		texts = append(texts, p.Text)
	}
	require.Equal(t, []string{"After it", "After that"}, texts)
	require.Equal(t, 2, states(b.detail(t, ticket))["slack/thread/discarded"])
	require.Equal(t, 2, b.count(t, ticket, "delivery_discarded"))

	// Who thinks again may have it replayed.
	require.NoError(t, b.service.Replay(t.Context(), b.agent, failed.TenantID, failed.ID))
	b.settle(t, ticket)
	require.Equal(t, "Failed one", b.slack.Thread(ticket.ID)[4].Text)
}

func TestWhatFailedIsRevived(t *testing.T) {
	t.Parallel()
	refused := func(string) desktest.Fault {
		return desktest.Fault{Before: &desk.PermanentError{Safe: "The token was revoked.", Err: errors.New("token_revoked")}}
	}

	t.Run("by the ticket's next change", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.slack.Fail(refused)
		b.crm.Fail(refused)
		ticket := b.escalate(t, "Help")
		b.settle(t, ticket)
		require.Equal(t, 1, states(b.detail(t, ticket))["slack/root/failed"])
		require.Equal(t, 1, states(b.detail(t, ticket))["hubspot/record/failed"])
		b.slack.Fail(nil)
		b.crm.Fail(nil)
		b.say(t, "Anybody there?", false)
		b.settle(t, ticket)
		require.Len(t, b.slack.Roots[ticket.ID], 1)
		require.Len(t, b.slack.Thread(ticket.ID), 3)
		require.Len(t, b.crm.Records, 1)
	})

	t.Run("all that a filter shows, by one press", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.slack.Fail(refused)
		b.crm.Fail(refused)
		var tickets []triage.Ticket
		for i := range 5 {
			ticket := b.escalateIn(t, b.talk(t), fmt.Sprintf("Help %d", i))
			b.settle(t, ticket)
			tickets = append(tickets, ticket)
		}
		dropped := b.detail(t, tickets[4]).Deliveries[0]
		require.Equal(t, "slack", dropped.Destination)
		require.NoError(t, b.service.Discard(t.Context(), b.agent, b.tenant, dropped.ID))
		b.slack.Fail(nil)
		b.crm.Fail(nil)
		_, err := b.service.ReplayAll(t.Context(), triage.Actor{Kind: triage.ActorCustomer, ID: b.user}, desk.DeliveryFilter{})
		require.ErrorIs(t, err, desk.ErrRefused)
		n, err := b.service.ReplayAll(t.Context(), b.agent, desk.DeliveryFilter{Destination: "slack"})
		require.NoError(t, err)
		require.Equal(t, 4, n, "the channel's, and not what somebody discarded")
		n, err = b.service.ReplayAll(t.Context(), b.agent, desk.DeliveryFilter{State: "delivered"})
		require.NoError(t, err)
		require.Zero(t, n)
		for _, ticket := range tickets {
			b.settle(t, ticket)
		}
		require.Len(t, b.slack.Roots, 4)
		require.Empty(t, b.crm.Records)
		require.Equal(t, 1, b.count(t, tickets[0], "delivery_replayed"))
		n, err = b.service.ReplayAll(t.Context(), b.agent, desk.DeliveryFilter{State: "discarded"})
		require.NoError(t, err)
		require.Equal(t, 1, n)
		n, err = b.service.ReplayAll(t.Context(), b.agent, desk.DeliveryFilter{State: "failed"})
		require.NoError(t, err)
		require.Equal(t, 5, n)
		for _, ticket := range tickets {
			b.settle(t, ticket)
		}
		require.Len(t, b.slack.Roots, 5)
		require.Len(t, b.crm.Records, 5)
	})
}

func TestTheOwnerIsTold(t *testing.T) {
	t.Parallel()
	pings := func(b *testBundle) (out []string) {
		for _, p := range b.slack.Pings {
			out = append(out, p.Person+": "+p.Text)
		}
		return out
	}

	t.Run("who is given a ticket, and nobody who took it", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.reach(t, b.agent, "U0BO")
		b.reach(t, b.other, "U0CY")
		ticket := b.escalate(t, "Help")
		_, err := b.service.Claim(t.Context(), b.agent, ref(ticket))
		require.NoError(t, err)
		b.settle(t, ticket)
		require.Empty(t, b.slack.Pings)
		_, err = b.service.Assign(t.Context(), b.agent, ref(ticket), b.other.ID)
		require.NoError(t, err)
		b.settle(t, ticket)
		require.Equal(t, []string{"U0CY: bo@usher.test gave you this ticket: Help"}, pings(b))
		_, err = b.service.Assign(t.Context(), b.agent, ref(ticket), b.agent.ID)
		require.NoError(t, err)
		b.settle(t, ticket)
		require.Len(t, b.slack.Pings, 1, "who takes it knows")
	})

	t.Run("by rotation, too", func(t *testing.T) {
		t.Parallel()
		b := setup(t, func(c *desk.Config) { c.AutoAssign = true })
		b.reach(t, b.agent, "U0BO")
		b.reach(t, b.other, "U0BO2")
		ticket := b.escalate(t, "Help")
		b.settle(t, ticket)
		require.Len(t, b.slack.Pings, 1)
		require.Equal(t, "A new ticket is yours: Help", b.slack.Pings[0].Text)
		require.Equal(t, ticket.Number, b.slack.Pings[0].Number)
	})

	t.Run("unless they are away, not known there, or it is somebody else's by then", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.reach(t, b.other, "U0CY")
		ticket := b.escalate(t, "Help")
		give := func(to triage.Actor) {
			_, err := b.service.Assign(t.Context(), triage.Actor{Kind: triage.ActorStaff, ID: b.db.Staff(t, uuid.NewString()+"@usher.test")}, ref(ticket), to.ID)
			require.NoError(t, err)
		}
		give(b.agent) // has no id there
		b.settle(t, ticket)
		_, err := b.db.Worker.Pool().Exec(t.Context(), `update staff set state = 'away' where id = $1`, b.other.ID)
		require.NoError(t, err)
		give(b.other)
		b.settle(t, ticket)
		_, err = b.db.Worker.Pool().Exec(t.Context(), `update staff set state = 'active' where id = $1`, b.other.ID)
		require.NoError(t, err)
		give(b.agent)
		give(b.other)
		give(b.agent)
		b.settle(t, ticket)
		require.Empty(t, b.slack.Pings)
		require.Equal(t, 5, states(b.detail(t, ticket))["slack/ping/discarded"])
	})

	t.Run("whoever cannot be reached holds up no thread, and their limit nothing else", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.reach(t, b.other, "U0CY")
		ticket := b.escalate(t, "Help")
		b.settle(t, ticket)
		limited := true
		b.slack.Fail(func(call string) desktest.Fault {
			if call == "ping" && limited {
				return desktest.Fault{Before: &desk.TemporaryError{After: time.Hour, Here: true, Err: errors.New("ratelimited")}}
			}
			return desktest.Fault{}
		})
		_, err := b.service.Assign(t.Context(), b.agent, ref(ticket), b.other.ID)
		require.NoError(t, err)
		b.say(t, "More", false)
		b.clock.advance(2 * time.Second)
		_, err = b.service.Drain(t.Context(), b.tenant, ticket.ID, "slack", time.Minute)
		require.NoError(t, err)
		require.Len(t, b.slack.Thread(ticket.ID), 3, "in the same go")
		require.Equal(t, "More", b.slack.Thread(ticket.ID)[2].Text)
		require.Empty(t, b.slack.Pings)
		limited = false
		b.settle(t, ticket)
		require.Len(t, b.slack.Pings, 1)
	})
}
