package desk_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/migrations/dbtest"
	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/desk"
	"github.com/usherdesk/usher/triage/desk/desktest"
)

type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

type testBundle struct {
	db           *dbtest.Database
	service      *desk.Service
	slack        *desktest.Channel
	crm          *desktest.CRM
	clock        *clock
	tenant, user uuid.UUID
	agent, other triage.Actor
	conversation uuid.UUID
}

func setup(t testing.TB, change ...func(*desk.Config)) *testBundle {
	t.Helper()
	b := &testBundle{
		db: dbtest.New(t), slack: desktest.NewChannel(nil), crm: desktest.NewCRM("hubspot", nil),
		clock: &clock{at: time.Now().UTC().Truncate(time.Microsecond)},
	}
	jobs, err := river.NewClient(riverpgxv5.New(b.db.Worker.Pool()), &river.Config{})
	require.NoError(t, err)
	config := desk.Config{DB: b.db.Worker, Jobs: jobs, Channel: b.slack, CRMs: []desk.CRM{b.crm}, Now: b.clock.now, Log: slog.New(slog.DiscardHandler)}
	for _, f := range change {
		f(&config)
	}
	b.service = desk.New(config)
	b.tenant = b.db.Tenant(t, "acme")
	b.user = b.db.User(t, b.tenant, "ana@acme.test")
	b.agent = triage.Actor{Kind: triage.ActorStaff, ID: b.db.Staff(t, "bo@usher.test")}
	b.other = triage.Actor{Kind: triage.ActorStaff, ID: b.db.Staff(t, "cy@usher.test")}
	b.conversation = b.talk(t)
	return b
}

// talk opens one more conversation of the customer.
func (b *testBundle) talk(t testing.TB) uuid.UUID {
	t.Helper()
	id := uuid.Must(uuid.NewV7())
	b.tx(t, func(tx pgx.Tx) error {
		_, err := triage.InsertConversation(t.Context(), tx, triage.Conversation{
			TenantID: b.tenant, ID: id, UserID: &b.user, Channel: triage.ChannelChat,
		})
		return err
	})
	return id
}

func (b *testBundle) tx(t testing.TB, fn func(tx pgx.Tx) error) {
	t.Helper()
	require.NoError(t, b.db.App.WithTenant(t.Context(), b.tenant, fn))
}

func (b *testBundle) write(t testing.TB, tx pgx.Tx, conversation uuid.UUID, text string) triage.Message {
	t.Helper()
	m, _, err := triage.InsertMessage(t.Context(), tx, triage.Message{
		TenantID: b.tenant, ID: uuid.Must(uuid.NewV7()), ConversationID: conversation, AuthorKind: triage.AuthorCustomer,
		AuthorID: &b.user, AuthorName: "Ana", Visibility: triage.VisibleToCustomer, Body: text,
	})
	require.NoError(t, err)
	return m
}

func (b *testBundle) escalate(t testing.TB, text string) triage.Ticket {
	t.Helper()
	return b.escalateIn(t, b.conversation, text)
}

func (b *testBundle) escalateIn(t testing.TB, conversation uuid.UUID, text string) triage.Ticket {
	t.Helper()
	var ticket triage.Ticket
	b.tx(t, func(tx pgx.Tx) (err error) {
		m := b.write(t, tx, conversation, text)
		ticket, err = b.service.Escalate(t.Context(), tx, escalation(m))
		return err
	})
	return ticket
}

func escalation(m triage.Message) desk.Escalation {
	return desk.Escalation{
		TenantID: m.TenantID, ConversationID: m.ConversationID, MessageID: m.ID, Reason: triage.ReasonNoAnswer,
		Summary: "The customer reports: " + m.Body, Subject: m.Body,
		Classification: triage.Classification{Intent: "integration_error", Priority: triage.PriorityHigh, Language: "en", Team: "integrations"},
	}
}

func (b *testBundle) say(t *testing.T, text string, thanks bool) (triage.Ticket, bool) {
	t.Helper()
	var ticket triage.Ticket
	var handled bool
	b.tx(t, func(tx pgx.Tx) (err error) {
		m := b.write(t, tx, b.conversation, text)
		ticket, handled, err = b.service.CustomerWrote(t.Context(), tx, desk.CustomerMessage{Message: m, Thanks: thanks})
		return err
	})
	return ticket, handled
}

func ref(t triage.Ticket) desk.TicketRef { return desk.TicketRef{TenantID: t.TenantID, ID: t.ID} }

// settle drains every lane of a ticket until nothing is left, letting waits pass.
func (b *testBundle) settle(t *testing.T, ticket triage.Ticket) {
	t.Helper()
	for range 200 {
		var longest time.Duration
		for _, destination := range []string{"hubspot", "slack"} {
			wait, err := b.service.Drain(t.Context(), ticket.TenantID, ticket.ID, destination, time.Minute)
			require.NoError(t, err)
			longest = max(longest, wait)
		}
		if longest == 0 {
			return
		}
		b.clock.advance(longest)
	}
	require.Fail(t, "the lanes do not come to rest")
}

func (b *testBundle) detail(t *testing.T, ticket triage.Ticket) desk.Detail {
	t.Helper()
	d, err := b.service.Ticket(t.Context(), ticket.TenantID, ticket.ID)
	require.NoError(t, err)
	return d
}

func states(d desk.Detail) map[string]int {
	out := map[string]int{}
	for _, row := range d.Deliveries {
		out[row.Destination+"/"+row.Kind+"/"+row.State]++
	}
	return out
}

func TestEscalate(t *testing.T) {
	t.Parallel()

	t.Run("makes one ticket, one root, one record and shows the customer's words", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		ticket := b.escalate(t, "Import stops at 80 %")
		require.Equal(t, int64(1001), ticket.Number)
		require.Equal(t, triage.PriorityHigh, ticket.Priority)
		require.Equal(t, triage.StateReceived, ticket.CustomerState)
		b.settle(t, ticket)
		require.Len(t, b.slack.Roots[ticket.ID], 1)
		card := b.slack.Roots[ticket.ID][0].Card
		require.Equal(t, "Tenant acme", card.TenantName)
		require.Equal(t, "crm-"+ticket.ID.String(), card.CRM.ID, "the root shows where the record is")
		thread := b.slack.Thread(ticket.ID)
		require.Len(t, thread, 2)
		require.Equal(t, desk.PostSummary, thread[0].Label)
		require.Equal(t, desk.PostCustomer, thread[1].Label)
		require.Equal(t, "Import stops at 80 %", thread[1].Text)
		require.Len(t, b.crm.Records, 1)
		require.Equal(t, "ana@acme.test", b.crm.Records[ticket.ID].CustomerEmail)
		require.Len(t, b.crm.Notes["crm-"+ticket.ID.String()], 1)
		require.Equal(t, map[string]int{
			"slack/root/delivered": 1, "slack/thread/delivered": 2, "hubspot/record/delivered": 1, "hubspot/note/delivered": 1,
		}, states(b.detail(t, ticket)))
	})

	t.Run("the same message escalates once, also in parallel", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		var m triage.Message
		b.tx(t, func(tx pgx.Tx) error { m = b.write(t, tx, b.conversation, "Help"); return nil })
		var group sync.WaitGroup
		ids := make([]uuid.UUID, 4)
		for i := range ids {
			group.Go(func() {
				_ = b.db.App.WithTenant(t.Context(), b.tenant, func(tx pgx.Tx) error {
					ticket, err := b.service.Escalate(t.Context(), tx, escalation(m))
					ids[i] = ticket.ID
					return err
				})
			})
		}
		group.Wait()
		for _, id := range ids {
			require.Equal(t, ids[0], id)
		}
		d := b.detail(t, triage.Ticket{TenantID: b.tenant, ID: ids[0]})
		require.Len(t, d.Escalations, 1)
	})

	t.Run("a second hand-over of the conversation adds to its ticket and never lowers it", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		first := b.escalate(t, "Nothing works")
		var second triage.Ticket
		b.tx(t, func(tx pgx.Tx) (err error) {
			in := escalation(b.write(t, tx, b.conversation, "And another thing"))
			in.Classification.Priority = triage.PriorityLow
			second, err = b.service.Escalate(t.Context(), tx, in)
			return err
		})
		require.Equal(t, first.ID, second.ID)
		require.Equal(t, triage.PriorityHigh, second.Priority)
		require.Len(t, b.detail(t, first).Escalations, 2)
	})

	t.Run("an open ticket with the same key is found again, a solved one is not", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		open := func() (ticket triage.Ticket) {
			conversation := b.talk(t)
			b.tx(t, func(tx pgx.Tx) (err error) {
				ticket, err = b.service.Escalate(t.Context(), tx, desk.Escalation{
					TenantID: b.tenant, ConversationID: conversation, Reason: triage.ReasonIntegration, Summary: "Sync fails",
					Subject: "Sync fails", Origin: "integration_error", DedupKey: "erp/auth",
				})
				return err
			})
			return ticket
		}
		first := open()
		require.Equal(t, first.ID, open().ID)
		_, err := b.service.Resolve(t.Context(), b.agent, ref(first))
		require.NoError(t, err)
		require.NotEqual(t, first.ID, open().ID)
	})

	t.Run("with nothing configured nothing piles up and the console does the job", func(t *testing.T) {
		t.Parallel()
		b := setup(t, func(c *desk.Config) {
			c.Channel, c.CRMs = nil, nil
			c.Off = []desk.Destination{{Name: "slack", Why: "USHER_SLACK_BOT_TOKEN is not set"}}
		})
		ticket := b.escalate(t, "Help")
		_, err := b.service.Reply(t.Context(), b.agent, ref(ticket), desk.Reply{Text: "Here I am"})
		require.NoError(t, err)
		d := b.detail(t, ticket)
		require.Empty(t, d.Deliveries)
		require.Equal(t, "Here I am", d.Messages[len(d.Messages)-1].Body)
		require.False(t, b.service.Destinations()[0].On)
	})
}

func TestClaim(t *testing.T) {
	t.Parallel()

	t.Run("one of two wins and the loser learns who", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		ticket := b.escalate(t, "Help")
		var group sync.WaitGroup
		errs := make([]error, 2)
		for i, actor := range []triage.Actor{b.agent, b.other} {
			group.Go(func() { _, errs[i] = b.service.Claim(t.Context(), actor, ref(ticket)) })
		}
		group.Wait()
		var claimed *desk.ClaimedError
		require.True(t, (errs[0] == nil) != (errs[1] == nil))
		require.ErrorAs(t, errors.Join(errs...), &claimed)
		require.Equal(t, b.detail(t, ticket).Ticket.AssigneeName, claimed.By)
	})

	t.Run("who was deactivated, is a customer or has no role cannot act", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		ticket := b.escalate(t, "Help")
		_, err := b.db.Worker.Pool().Exec(t.Context(), `update staff set state = 'deactivated' where id = $1`, b.agent.ID)
		require.NoError(t, err)
		curator := triage.Actor{Kind: triage.ActorStaff, ID: b.db.Staff(t, "dee@usher.test", "curator"), Roles: []string{"admin"}}
		for _, actor := range []triage.Actor{b.agent, curator, {Kind: triage.ActorCustomer, ID: b.user, TenantID: b.tenant}, {Kind: triage.ActorStaff}} {
			_, err := b.service.Claim(t.Context(), actor, ref(ticket))
			require.ErrorIs(t, err, desk.ErrRefused)
			_, err = b.service.Reply(t.Context(), actor, ref(ticket), desk.Reply{Text: "x"})
			require.ErrorIs(t, err, desk.ErrRefused)
		}
	})

	t.Run("another tenant's ticket behaves like a missing one", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		ticket := b.escalate(t, "Help")
		elsewhere := b.db.Tenant(t, "zeta")
		_, err := b.service.Claim(t.Context(), b.agent, desk.TicketRef{TenantID: elsewhere, ID: ticket.ID})
		require.ErrorIs(t, err, triage.ErrTicketNotFound)
		_, err = b.service.Ticket(t.Context(), elsewhere, ticket.ID)
		require.ErrorIs(t, err, triage.ErrTicketNotFound)
	})
}

func TestReply(t *testing.T) {
	t.Parallel()

	t.Run("reaches the customer once, claims, and stops the assistant", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		ticket := b.escalate(t, "Help")
		for range 2 {
			m, err := b.service.Reply(t.Context(), b.agent, ref(ticket), desk.Reply{Text: "We are on it", ClientKey: "k", Then: triage.InternalPending})
			require.NoError(t, err)
			require.Equal(t, triage.VisibleToCustomer, m.Visibility)
			require.Equal(t, "bo@usher.test", m.AuthorName)
		}
		d := b.detail(t, ticket)
		require.Len(t, d.Messages, 2)
		require.Equal(t, "bo@usher.test", d.Ticket.AssigneeName)
		require.Equal(t, triage.StateWaitingForYou, d.Ticket.CustomerState)
		require.Equal(t, "off", d.Conversation.Assistant)
		b.settle(t, ticket)
		thread := b.slack.Thread(ticket.ID)
		require.Equal(t, desk.PostSent, thread[len(thread)-1].Label)
	})

	t.Run("stops an answer in the middle", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		ticket := b.escalate(t, "Help")
		b.tx(t, func(tx pgx.Tx) error {
			_, _, err := triage.InsertMessage(t.Context(), tx, triage.Message{
				TenantID: b.tenant, ID: uuid.Must(uuid.NewV7()), ConversationID: b.conversation, AuthorKind: triage.AuthorAssistant,
				Visibility: triage.VisibleToCustomer, Body: "I think", State: triage.MessageStreaming,
			})
			return err
		})
		_, err := b.service.Reply(t.Context(), b.agent, ref(ticket), desk.Reply{Text: "Let me"})
		require.NoError(t, err)
		require.Equal(t, triage.MessageStopped, b.detail(t, ticket).Messages[1].State)
	})

	t.Run("refuses an empty text, an unknown state and a closed ticket", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		ticket := b.escalate(t, "Help")
		_, err := b.service.Reply(t.Context(), b.agent, ref(ticket), desk.Reply{Text: " "})
		require.ErrorIs(t, err, triage.ErrEmptyMessage)
		_, err = b.service.Reply(t.Context(), b.agent, ref(ticket), desk.Reply{Text: "x", Then: "closed"})
		require.ErrorIs(t, err, desk.ErrBadValue)
		_, err = b.service.NotARequest(t.Context(), b.agent, ref(ticket))
		require.NoError(t, err)
		_, err = b.service.Reply(t.Context(), b.agent, ref(ticket), desk.Reply{Text: "x"})
		require.ErrorIs(t, err, desk.ErrTicketClosed)
	})

	t.Run("an internal note stays out of the customer's messages and events", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		ticket := b.escalate(t, "Help")
		_, err := b.service.AddNote(t.Context(), b.agent, ref(ticket), desk.InternalNote{Text: "SECRET: watch the KYC case"})
		require.NoError(t, err)
		b.tx(t, func(tx pgx.Tx) error {
			messages, err := triage.MessagesBefore(t.Context(), tx, b.tenant, b.conversation, 0, false, 50)
			require.NoError(t, err)
			require.Len(t, messages, 1)
			events, err := triage.EventsSince(t.Context(), tx, b.tenant, b.conversation, 0, false, 50)
			require.NoError(t, err)
			require.NotEmpty(t, events)
			for _, e := range events {
				require.NotContains(t, string(e.Payload), "SECRET")
			}
			return nil
		})
		b.settle(t, ticket)
		require.Equal(t, desk.PostInternal, b.slack.Thread(ticket.ID)[2].Label)
	})
}

func TestCustomerWrote(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name     string
		before   func(t *testing.T, b *testBundle, ticket triage.Ticket)
		thanks   bool
		handled  bool
		same     bool
		internal triage.InternalState
	}{
		{"ends a wait for the customer", func(t *testing.T, b *testBundle, ticket triage.Ticket) {
			_, err := b.service.Reply(t.Context(), b.agent, ref(ticket), desk.Reply{Text: "Which file?", Then: triage.InternalPending})
			require.NoError(t, err)
		}, false, true, true, triage.InternalOpen},
		{"thanks ends a wait too", func(t *testing.T, b *testBundle, ticket triage.Ticket) {
			_, err := b.service.SetState(t.Context(), b.agent, ref(ticket), triage.InternalPending)
			require.NoError(t, err)
		}, true, true, true, triage.InternalOpen},
		{"wakes a snoozed ticket", func(t *testing.T, b *testBundle, ticket triage.Ticket) {
			_, err := b.service.Snooze(t.Context(), b.agent, ref(ticket), b.clock.now().Add(time.Hour))
			require.NoError(t, err)
		}, false, true, true, triage.InternalOpen},
		{"reopens a solved ticket", solve, false, true, true, triage.InternalOpen},
		{"thanks does not reopen", solve, true, true, true, triage.InternalSolved},
		{"opens a linked ticket after a closed one", closeIt, false, true, false, triage.InternalNew},
		{"thanks after a closed one opens nothing", closeIt, true, true, true, triage.InternalClosed},
		{"leaves a conversation that was no request to the assistant", func(t *testing.T, b *testBundle, ticket triage.Ticket) {
			_, err := b.service.NotARequest(t.Context(), b.agent, ref(ticket))
			require.NoError(t, err)
		}, false, false, false, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			first := b.escalate(t, "Help")
			c.before(t, b, first)
			got, handled := b.say(t, "Hello again", c.thanks)
			require.Equal(t, c.handled, handled)
			if !handled {
				return
			}
			require.Equal(t, c.same, got.ID == first.ID)
			require.Equal(t, c.internal, got.InternalState)
			if !c.same {
				related := b.detail(t, got).Related
				require.Len(t, related, 1)
				require.Equal(t, "follow_up_of", related[0].Kind)
			}
		})
	}

	t.Run("the same message counts once", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		ticket := b.escalate(t, "Help")
		b.tx(t, func(tx pgx.Tx) error {
			m := b.write(t, tx, b.conversation, "More")
			for range 2 {
				_, _, err := b.service.CustomerWrote(t.Context(), tx, desk.CustomerMessage{Message: m})
				require.NoError(t, err)
			}
			return nil
		})
		b.settle(t, ticket)
		require.Len(t, b.slack.Thread(ticket.ID), 3)
	})
}

func solve(t *testing.T, b *testBundle, ticket triage.Ticket) {
	_, err := b.service.Resolve(t.Context(), b.agent, ref(ticket))
	require.NoError(t, err)
}

func closeIt(t *testing.T, b *testBundle, ticket triage.Ticket) {
	solved, err := b.service.Resolve(t.Context(), b.agent, ref(ticket))
	require.NoError(t, err)
	require.NoError(t, b.service.Settle(t.Context(), desk.SettleTicketArgs{TenantID: b.tenant, TicketID: ticket.ID, SolvedAt: *solved.SolvedAt}))
	require.Equal(t, "assumed", b.detail(t, ticket).Ticket.Resolution)
}

func TestResolutionNeedsAWitness(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ticket := b.escalate(t, "Help")
	solve(t, b, ticket)
	require.Empty(t, b.detail(t, ticket).Ticket.Resolution, "an agent's word alone counts nothing")
	b.tx(t, func(tx pgx.Tx) error {
		return b.service.CustomerConfirmed(t.Context(), tx, b.tenant, b.conversation, triage.Actor{Kind: triage.ActorCustomer, ID: b.user})
	})
	require.Equal(t, "confirmed", b.detail(t, ticket).Ticket.Resolution)
	_, err := b.service.Reply(t.Context(), b.agent, ref(ticket), desk.Reply{Text: "One more thing"})
	require.NoError(t, err)
	require.Equal(t, "reopened", b.detail(t, ticket).Ticket.Resolution, "an agent who goes on reopens it, too")
	b.tx(t, func(tx pgx.Tx) error {
		return b.service.CustomerConfirmed(t.Context(), tx, b.tenant, b.conversation, triage.Actor{Kind: triage.ActorCustomer, ID: b.user})
	})
	require.Equal(t, "confirmed", b.detail(t, ticket).Ticket.Resolution)
	got, _ := b.say(t, "It is back", false)
	require.Equal(t, "reopened", got.Resolution)
}

func TestDeliver(t *testing.T) {
	t.Parallel()
	lost := func() desktest.Faults {
		var once sync.Once
		return func(string) (f desktest.Fault) {
			once.Do(func() { f.After = errors.New("connection reset") })
			return f
		}
	}

	t.Run("an answer lost after the effect makes no second root, post, record or note", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.slack.Fail(lost())
		b.crm.Fail(lost())
		ticket := b.escalate(t, "Help")
		b.settle(t, ticket)
		require.Len(t, b.slack.Roots[ticket.ID], 1)
		require.Len(t, b.slack.Thread(ticket.ID), 2)
		require.Len(t, b.crm.Records, 1)
	})

	t.Run("a rate limit pauses the destination and is no failed try", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.slack.Fail(func(string) desktest.Fault {
			return desktest.Fault{Before: &desk.TemporaryError{After: 30 * time.Second, Err: errors.New("ratelimited")}}
		})
		one, two := b.escalate(t, "Help"), b.escalateIn(t, b.talk(t), "Other")
		wait, err := b.service.Drain(t.Context(), b.tenant, one.ID, "slack", time.Minute)
		require.NoError(t, err)
		require.Equal(t, 30*time.Second, wait)
		b.slack.Fail(nil)
		wait, err = b.service.Drain(t.Context(), b.tenant, two.ID, "slack", time.Minute)
		require.NoError(t, err)
		require.GreaterOrEqual(t, wait, 30*time.Second, "the pause holds for every ticket")
		require.Empty(t, b.slack.Roots)
		require.Zero(t, b.detail(t, one).Deliveries[0].Attempts)
		b.settle(t, one)
		b.settle(t, two)
		require.Len(t, b.slack.Roots, 2)
	})

	t.Run("a permanent error fails with a safe text, and replay goes on", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.slack.Fail(func(string) desktest.Fault {
			return desktest.Fault{Before: &desk.PermanentError{Safe: "The channel does not exist.", Err: errors.New("channel_not_found token=xoxb-1")}}
		})
		ticket := b.escalate(t, "Help")
		b.settle(t, ticket)
		failed, err := b.service.Deliveries(t.Context(), desk.DeliveryFilter{State: "failed"}, triage.Page{})
		require.NoError(t, err)
		require.Len(t, failed, 1, "posts wait for their root")
		require.Equal(t, "The channel does not exist.", failed[0].LastError)
		b.slack.Fail(nil)
		require.NoError(t, b.service.Replay(t.Context(), b.agent, failed[0].TenantID, failed[0].ID))
		b.settle(t, ticket)
		require.Len(t, b.slack.Thread(ticket.ID), 2)
		require.ErrorIs(t, b.service.Discard(t.Context(), b.agent, failed[0].TenantID, failed[0].ID), desk.ErrDeliveryNotFound, "what was delivered cannot be discarded")
	})

	t.Run("gives up after its tries and says so", func(t *testing.T) {
		t.Parallel()
		b := setup(t, func(c *desk.Config) { c.MaxAttempts = 3 })
		b.crm.Fail(func(string) desktest.Fault { return desktest.Fault{Before: errors.New("secret cause")} })
		ticket := b.escalate(t, "Help")
		b.settle(t, ticket)
		failed, err := b.service.Deliveries(t.Context(), desk.DeliveryFilter{State: "failed", Destination: "hubspot"}, triage.Page{})
		require.NoError(t, err)
		require.Len(t, failed, 1)
		require.Contains(t, failed[0].LastError, "Gave up after 3 tries")
		require.NotContains(t, failed[0].LastError, "secret")
	})

	t.Run("edits of the root are coalesced", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		ticket := b.escalate(t, "Help")
		b.settle(t, ticket)
		before := b.slack.Edits
		for _, p := range []triage.Priority{"low", "normal", "urgent", "low", "high", "urgent"} {
			_, err := b.service.SetPriority(t.Context(), b.agent, ref(ticket), p)
			require.NoError(t, err)
		}
		b.settle(t, ticket)
		require.Equal(t, before+1, b.slack.Edits)
		require.Equal(t, triage.PriorityUrgent, b.slack.Roots[ticket.ID][0].Card.Priority)
	})

	t.Run("after an outage one post per ticket catches up", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		ticket := b.escalate(t, "Help")
		b.settle(t, ticket)
		for i := range 6 {
			b.say(t, fmt.Sprintf("Message %d", i), false)
		}
		b.clock.advance(10 * time.Minute)
		b.slack.Fail(lost())
		b.settle(t, ticket)
		thread := b.slack.Thread(ticket.ID)
		require.Len(t, thread, 3)
		require.Equal(t, desk.PostCatchUp, thread[2].Label)
		require.Contains(t, thread[2].Text, "Message 0")
		require.Contains(t, thread[2].Text, "Message 5")
	})

	t.Run("two workers on one lane do not act at once", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		ticket := b.escalate(t, "Help")
		var busy, most int
		var mu sync.Mutex
		b.slack.Fail(func(string) desktest.Fault {
			mu.Lock()
			busy++
			most = max(most, busy)
			mu.Unlock()
			time.Sleep(5 * time.Millisecond)
			mu.Lock()
			busy--
			mu.Unlock()
			return desktest.Fault{}
		})
		var group sync.WaitGroup
		for range 4 {
			group.Go(func() { _, _ = b.service.Drain(t.Context(), b.tenant, ticket.ID, "slack", time.Minute) })
		}
		group.Wait()
		require.Equal(t, 1, most)
		require.Len(t, b.slack.Roots[ticket.ID], 1)
	})

	t.Run("a destination that hangs holds only its own few workers", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		release := make(chan struct{})
		b.slack.Fail(func(string) desktest.Fault { <-release; return desktest.Fault{} })
		var group sync.WaitGroup
		var put atomic.Int32
		for i := range 8 {
			ticket := b.escalateIn(t, b.talk(t), fmt.Sprintf("Help %d", i))
			group.Go(func() {
				wait, _ := b.service.Drain(t.Context(), b.tenant, ticket.ID, "slack", time.Minute)
				if wait == 500*time.Millisecond {
					put.Add(1)
				}
			})
		}
		require.Eventually(t, func() bool { return put.Load() == 5 }, 10*time.Second, 5*time.Millisecond)
		ticket := b.escalateIn(t, b.talk(t), "Another")
		_, err := b.service.Drain(t.Context(), b.tenant, ticket.ID, "hubspot", time.Minute)
		require.NoError(t, err)
		require.NotEmpty(t, b.crm.Records, "the CRM goes on")
		close(release)
		group.Wait()
	})

	t.Run("a sweep finds work whose job was lost", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.escalate(t, "Help")
		_, err := b.db.Worker.Pool().Exec(t.Context(), `delete from river_job`)
		require.NoError(t, err)
		n, err := b.service.Sweep(t.Context())
		require.NoError(t, err)
		require.Zero(t, n, "not yet")
		b.clock.advance(2 * time.Minute)
		n, err = b.service.Sweep(t.Context())
		require.NoError(t, err)
		require.Equal(t, 2, n)
		n, err = b.service.Sweep(t.Context())
		require.NoError(t, err)
		require.Zero(t, n, "they have jobs now")
	})
}

func TestQueue(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var tickets []triage.Ticket
	for i := range 5 {
		b.clock.advance(time.Minute)
		tickets = append(tickets, b.escalateIn(t, b.talk(t), fmt.Sprintf("Question %d", i)))
	}
	_, err := b.service.Claim(t.Context(), b.agent, ref(tickets[0]))
	require.NoError(t, err)
	first, err := b.service.Queue(t.Context(), desk.Filter{View: "unassigned"}, triage.Page{Limit: 3})
	require.NoError(t, err)
	require.Len(t, first, 3)
	require.Equal(t, tickets[4].ID, first[0].ID)
	rest, err := b.service.Queue(t.Context(), desk.Filter{View: "unassigned"}, triage.Page{Limit: 3, Before: first[2].ID})
	require.NoError(t, err)
	require.Len(t, rest, 1)
	mine, err := b.service.Queue(t.Context(), desk.Filter{View: "mine", Staff: b.agent.ID}, triage.Page{})
	require.NoError(t, err)
	require.Len(t, mine, 1)
	found, err := b.service.Queue(t.Context(), desk.Filter{Text: "question 3"}, triage.Page{})
	require.NoError(t, err)
	require.Len(t, found, 1)
	b.tx(t, func(tx pgx.Tx) error {
		own, err := desk.CustomerTickets(t.Context(), tx, b.tenant, b.user, true, triage.Page{})
		require.NoError(t, err)
		require.Len(t, own, 5)
		_, err = desk.CustomerTicketByNumber(t.Context(), tx, b.tenant, 4821)
		require.ErrorIs(t, err, triage.ErrTicketNotFound)
		return nil
	})
}

func TestMergeAndSplit(t *testing.T) {
	t.Parallel()

	t.Run("words in a merged conversation move the ticket that stays", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		gone := b.escalate(t, "Import stops")
		stays := b.escalateIn(t, b.talk(t), "Import still stops")
		_, err := b.service.Merge(t.Context(), b.agent, ref(gone), ref(stays))
		require.NoError(t, err)
		_, err = b.service.Resolve(t.Context(), b.agent, ref(stays))
		require.NoError(t, err)
		got, handled := b.say(t, "Any news?", false)
		require.True(t, handled)
		require.Equal(t, stays.ID, got.ID)
		require.Equal(t, triage.InternalOpen, got.InternalState)
		require.Equal(t, "merged", b.detail(t, gone).ClosedAs)
		_, err = b.service.Merge(t.Context(), b.agent, ref(stays), ref(gone))
		require.ErrorIs(t, err, desk.ErrTicketClosed)
		_, err = b.service.Merge(t.Context(), b.agent, ref(stays), ref(stays))
		require.ErrorIs(t, err, desk.ErrBadValue)
	})

	t.Run("a merge follows a later merge", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		first := b.escalate(t, "One")
		second, third := b.escalateIn(t, b.talk(t), "Two"), b.escalateIn(t, b.talk(t), "Three")
		for _, pair := range [][2]triage.Ticket{{first, second}, {second, third}} {
			_, err := b.service.Merge(t.Context(), b.agent, ref(pair[0]), ref(pair[1]))
			require.NoError(t, err)
		}
		got, _ := b.say(t, "Hello?", false)
		require.Equal(t, third.ID, got.ID)
	})

	t.Run("a split opens one related ticket with the customer's words", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		ticket := b.escalate(t, "Import stops, and where is the invoice?")
		message := b.detail(t, ticket).Messages[0].ID
		var second triage.Ticket
		for range 2 {
			var err error
			second, err = b.service.Split(t.Context(), b.agent, ref(ticket), message, "Invoice")
			require.NoError(t, err)
		}
		d := b.detail(t, second)
		require.Equal(t, "split_from", d.Related[0].Kind)
		require.Len(t, d.Messages, 1)
		require.NotEqual(t, ticket.ID, second.ID)
		require.Equal(t, 1, b.count(t, ticket, "split"))
		_, err := b.service.Split(t.Context(), b.agent, ref(second), message, "Invoice")
		require.ErrorIs(t, err, triage.ErrMessageNotFound, "a message of another conversation")
	})

	t.Run("similar solved tickets show what solved them", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		old := b.escalate(t, "Import stops at eighty percent")
		_, err := b.service.Reply(t.Context(), b.agent, ref(old), desk.Reply{Text: "Delete the empty row.", Then: triage.InternalSolved})
		require.NoError(t, err)
		b.escalateIn(t, b.talk(t), "Import stops again")
		now := b.escalateIn(t, b.talk(t), "The import stops")
		similar, err := b.service.Similar(t.Context(), now, 3)
		require.NoError(t, err)
		require.Len(t, similar, 1, "only solved ones")
		require.Equal(t, "Delete the empty row.", similar[0].Answer)
	})
}

func TestAutoAssign(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *desk.Config) { c.AutoAssign = true })
	skilled := b.db.Staff(t, "dee@usher.test")
	_, err := b.db.Worker.Pool().Exec(t.Context(), `update staff set teams = '{integrations}' where id = $1`, skilled)
	require.NoError(t, err)
	require.Equal(t, skilled, *b.escalate(t, "Help").AssigneeID, "the team's own")
	_, err = b.db.Worker.Pool().Exec(t.Context(), `update staff set state = 'away' where id = $1`, skilled)
	require.NoError(t, err)
	got := map[uuid.UUID]int{}
	for range 4 {
		got[*b.escalateIn(t, b.talk(t), "Help").AssigneeID]++
	}
	require.Equal(t, map[uuid.UUID]int{b.agent.ID: 2, b.other.ID: 2}, got, "in turn while the team is away")
}

func TestOutages(t *testing.T) {
	t.Parallel()
	var told []desk.Outage
	b := setup(t, func(c *desk.Config) {
		c.Outage = func(_ context.Context, o desk.Outage) error { told = append(told, o); return nil }
	})
	b.slack.Fail(func(string) desktest.Fault { return desktest.Fault{Before: errors.New("down")} })
	ticket := b.escalate(t, "Help")
	for range 4 {
		_, err := b.service.Drain(t.Context(), b.tenant, ticket.ID, "slack", time.Minute)
		require.NoError(t, err)
		require.NoError(t, b.service.WatchOutages(t.Context()))
		b.clock.advance(5 * time.Minute)
	}
	require.Len(t, told, 1, "told once")
	require.Equal(t, "slack", told[0].Destination)
	b.slack.Fail(nil)
	b.settle(t, ticket)
	require.NoError(t, b.service.WatchOutages(t.Context()))
	require.Len(t, told, 1)
}

func TestForget(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ticket := b.escalate(t, "Personal words")
	b.settle(t, ticket)
	_, err := b.db.Worker.Pool().Exec(t.Context(), `insert into inbound_events (source, event_id, state, received_at) values ('slack', 'old', 'done', now() - interval '31 days'), ('slack', 'new', 'done', now())`)
	require.NoError(t, err)
	kept := func() (texts, events int) {
		b.tx(t, func(tx pgx.Tx) error {
			return tx.QueryRow(t.Context(), `select count(*) from deliveries where tenant_id = $1 and payload::text like '%Personal%'`, b.tenant).Scan(&texts)
		})
		require.NoError(t, b.db.Worker.Pool().QueryRow(t.Context(), `select count(*) from inbound_events`).Scan(&events))
		return texts, events
	}
	require.NoError(t, b.service.Forget(t.Context()))
	texts, events := kept()
	require.Equal(t, 2, texts)
	require.Equal(t, 1, events)
	b.clock.advance(8 * 24 * time.Hour)
	require.NoError(t, b.service.Forget(t.Context()))
	texts, _ = kept()
	require.Zero(t, texts)
}

func TestANewTicketIsLinkedToTheOpenOneThatAsksTheSame(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first := b.escalate(t, "The nightly import of invoices fails with error 502 since Monday")
	other := b.escalateIn(t, b.talk(t), "Please add two colleagues to our workspace as viewers")
	again := b.escalateIn(t, b.talk(t), "Hello, the invoice import at night has been failing since Monday (error 502)")
	require.Empty(t, b.detail(t, other).Related, "another matter")
	related := b.detail(t, again).Related
	require.Len(t, related, 1)
	require.Equal(t, first.ID, related[0].ID)
	require.Equal(t, "duplicate_of", related[0].Kind)
	require.Contains(t, again.Summary, fmt.Sprintf("Looks like #%d", first.Number))
	require.Equal(t, "inverse_duplicate_of", b.detail(t, first).Related[0].Kind)
	require.NotEqual(t, triage.InternalClosed, again.InternalState, "merging is for people")

	solve(t, b, first)
	solve(t, b, again)
	late := b.escalateIn(t, b.talk(t), "The nightly import of invoices fails with error 502 since Monday")
	require.Empty(t, b.detail(t, late).Related, "what is solved is no duplicate")
}

func TestATicketFollowsWhatTheConversationBecomes(t *testing.T) {
	t.Parallel()
	wrote := func(t *testing.T, b *testBundle, text string, c triage.Classification) (ticket triage.Ticket) {
		b.tx(t, func(tx pgx.Tx) (err error) {
			m := b.write(t, tx, b.conversation, text)
			ticket, _, err = b.service.CustomerWrote(t.Context(), tx, desk.CustomerMessage{Message: m, Classification: &c})
			return err
		})
		return ticket
	}
	outage := triage.Classification{Intent: "outage", Priority: triage.PriorityUrgent, Sentiment: "very_negative", Language: "de"}

	t.Run("priority rises, mood and language are the latest", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		first := b.escalate(t, "The import is slow")
		require.Equal(t, triage.PriorityHigh, first.Priority)
		now := wrote(t, b, "Jetzt geht gar nichts mehr!", outage)
		require.Equal(t, triage.PriorityUrgent, now.Priority)
		require.Equal(t, "very_negative", now.Sentiment)
		require.Equal(t, "de", now.Language)
		require.Equal(t, first.Intent, now.Intent, "the matter stays what it is")
		require.Equal(t, 1, events(b.detail(t, now), "reclassified"))
	})

	t.Run("priority never falls by itself", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.escalate(t, "The import is slow")
		now := wrote(t, b, "no rush", triage.Classification{Priority: triage.PriorityLow, Sentiment: "neutral"})
		require.Equal(t, triage.PriorityHigh, now.Priority)
		require.Zero(t, events(b.detail(t, now), "reclassified"))
	})

	t.Run("what staff decided stays", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		ticket := b.escalate(t, "The import is slow")
		_, err := b.service.SetPriority(t.Context(), b.agent, ref(ticket), triage.PriorityNormal)
		require.NoError(t, err)
		require.Equal(t, triage.PriorityNormal, wrote(t, b, "Nothing works!", outage).Priority)
	})
}

func events(d desk.Detail, kind string) (n int) {
	for _, e := range d.Events {
		if e.Kind == kind {
			n++
		}
	}
	return n
}

func TestWordsTakenBackAreTriedAnew(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *desk.Config) { c.MaxAttempts = 3 })
	ticket := b.escalate(t, "Help")
	require.NoError(t, b.service.AskColleague(t.Context(), b.agent, ref(ticket), desk.Question{Person: "U1", Name: "Yara", Text: "Do you know?", ClientKey: "q"}))
	b.settle(t, ticket)
	var said triage.Message
	b.tx(t, func(tx pgx.Tx) (err error) {
		said = b.write(t, tx, b.conversation, "The code is 4711")
		_, _, err = b.service.CustomerWrote(t.Context(), tx, desk.CustomerMessage{Message: said})
		return err
	})
	b.settle(t, ticket)

	change := func(text string) {
		b.tx(t, func(tx pgx.Tx) error {
			before := said.Body
			by := triage.Actor{Kind: triage.ActorCustomer, ID: b.user}
			m, err := triage.ReviseMessage(t.Context(), tx, said, text, by, b.clock.now())
			if err != nil {
				return err
			}
			said = m
			return b.service.CustomerChanged(t.Context(), tx, m, before, by)
		})
	}
	outside := func() string {
		return fmt.Sprintf("%+v %+v", b.slack.Thread(ticket.ID), b.slack.AsksOf(ticket.ID))
	}
	fails := func(call string) desktest.Fault {
		if call == "aside" || call == "thread" {
			return desktest.Fault{Before: errors.New("down")}
		}
		return desktest.Fault{}
	}

	// The first change is given up, everywhere.
	b.slack.Fail(fails)
	_, err := b.db.Worker.Pool().Exec(t.Context(), `delete from river_job`)
	require.NoError(t, err)
	change("The code was 4711, once")
	var jobs int
	require.NoError(t, b.db.Worker.Pool().QueryRow(t.Context(), `select count(*) from river_job where kind = 'deliver_ticket' and args->>'destination' = 'slack'`).Scan(&jobs))
	require.Equal(t, 1, jobs, "one job drains all that a change asks")
	b.settle(t, ticket)
	require.Equal(t, 1, states(b.detail(t, ticket))["slack/aside/failed"])
	require.Equal(t, 1, states(b.detail(t, ticket))["slack/thread/failed"])
	require.Contains(t, outside(), "The code is 4711")

	// The removal is tried as often as anything else: it fails once and goes on.
	down := map[string]bool{"aside": true, "thread": true}
	b.slack.Fail(func(call string) desktest.Fault {
		f := fails(call)
		if !down[call] {
			f = desktest.Fault{}
		}
		down[call] = false
		return f
	})
	change("")
	b.settle(t, ticket)
	require.NotContains(t, outside(), "4711")
	require.Zero(t, states(b.detail(t, ticket))["slack/aside/failed"])
	require.Zero(t, states(b.detail(t, ticket))["slack/thread/failed"])
}

func TestASnoozeEndsWhenAnythingHappens(t *testing.T) {
	t.Parallel()
	for name, happen := range map[string]func(t *testing.T, b *testBundle, ticket triage.Ticket){
		"a note": func(t *testing.T, b *testBundle, ticket triage.Ticket) {
			_, err := b.service.AddNote(t.Context(), b.other, ref(ticket), desk.InternalNote{Text: "The bank called"})
			require.NoError(t, err)
		},
		"text in its Slack thread": func(t *testing.T, b *testBundle, ticket triage.Ticket) {
			_, err := b.service.AddNote(t.Context(), b.other, ref(ticket), desk.InternalNote{Text: "Look at this", FromSlack: true, ClientKey: "slack:1"})
			require.NoError(t, err)
		},
		"a comment in the CRM": func(t *testing.T, b *testBundle, ticket triage.Ticket) {
			require.True(t, b.crm.Say(ticket.ID, "They paid"))
			require.NoError(t, b.service.ReadBack(t.Context(), "hubspot", "crm-"+ticket.ID.String()))
		},
		"words of the customer": func(t *testing.T, b *testBundle, _ triage.Ticket) { b.say(t, "Anything new?", false) },
		"its time": func(t *testing.T, b *testBundle, ticket triage.Ticket) {
			until := *b.detail(t, ticket).Ticket.SnoozedUntil
			require.NoError(t, b.service.Awaken(t.Context(), desk.WakeTicketArgs{TenantID: b.tenant, TicketID: ticket.ID, Until: until.Add(-time.Hour)}))
			require.Equal(t, triage.InternalSnoozed, b.detail(t, ticket).Ticket.InternalState, "the job of an earlier snooze ends no later one")
			for range 2 {
				require.NoError(t, b.service.Awaken(t.Context(), desk.WakeTicketArgs{TenantID: b.tenant, TicketID: ticket.ID, Until: until}))
			}
			require.Equal(t, 1, b.count(t, ticket, "woke"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			ticket := b.escalate(t, "Help")
			b.settle(t, ticket)
			_, err := b.service.Snooze(t.Context(), b.agent, ref(ticket), b.clock.now().Add(48*time.Hour))
			require.NoError(t, err)
			b.settle(t, ticket)
			happen(t, b, ticket)
			now := b.detail(t, ticket).Ticket
			require.Equal(t, triage.InternalOpen, now.InternalState)
			require.Nil(t, now.SnoozedUntil)
			b.settle(t, ticket)
			require.Equal(t, triage.InternalOpen, b.slack.Roots[ticket.ID][0].Card.State)
			require.Equal(t, triage.InternalOpen, b.crm.Records[ticket.ID].State)
		})
	}
}
