package rating_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"strings"
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
	"github.com/usherdesk/usher/triage/intake"
	"github.com/usherdesk/usher/triage/rating"
)

type mail struct{ asked []uuid.UUID }

func (m *mail) AskRating(_ context.Context, _ pgx.Tx, r rating.Rating, _ string) error {
	m.asked = append(m.asked, r.ID)
	return nil
}

// events keeps what a tenant's own systems are told of ratings.
type events struct {
	ids  []uuid.UUID
	data []map[string]any
}

func (e *events) Publish(_ context.Context, _ pgx.Tx, _, id uuid.UUID, kind string, data any) error {
	if kind != rating.EventRated {
		return nil
	}
	raw, err := json.Marshal(data)
	if err != nil {
		return err
	}
	var fields map[string]any
	if err := json.Unmarshal(raw, &fields); err != nil {
		return err
	}
	e.ids, e.data = append(e.ids, id), append(e.data, fields)
	return nil
}

// scores are those that were told, oldest first; -1 is one that was taken back.
func (e *events) scores() (scores []int) {
	for _, d := range e.data {
		score, ok := d["score"].(float64)
		if !ok {
			score = -1
		}
		scores = append(scores, int(score))
	}
	return scores
}

type testBundle struct {
	db       *dbtest.Database
	desk     *desk.Service
	intake   *intake.Service
	service  *rating.Service
	slack    *desktest.Channel
	mail     *mail
	events   *events
	at       time.Time
	tenant   uuid.UUID
	ana      triage.Actor
	bo, cy   triage.Actor
	withMail bool
}

// Noon where the tenant is: nobody sleeps.
func setup(t *testing.T) *testBundle {
	t.Helper()
	b := &testBundle{db: dbtest.New(t), slack: desktest.NewChannel(nil), mail: &mail{}, events: &events{}, at: time.Date(2026, 11, 24, 11, 0, 0, 0, time.UTC), withMail: true}
	jobs, err := river.NewClient(riverpgxv5.New(b.db.Worker.Pool()), &river.Config{})
	require.NoError(t, err)
	now := func() time.Time { return b.at }
	b.desk = desk.New(desk.Config{DB: b.db.Worker, Jobs: jobs, Channel: b.slack, Now: now, Log: slog.New(slog.DiscardHandler)})
	b.intake = intake.New(b.db.App, jobs, b.desk, nil)
	b.service = rating.New(rating.Config{DB: b.db.Worker, Desk: b.desk, Events: b.events, EveryDays: 14, Now: now, Mail: func() rating.Mail {
		if !b.withMail {
			return nil
		}
		return b.mail
	}})
	b.tenant = b.db.Tenant(t, "acme")
	b.ana = b.customer(t, "ana@acme.test")
	b.bo = triage.Actor{Kind: triage.ActorStaff, ID: b.db.Staff(t, "bo@usher.test")}
	b.cy = triage.Actor{Kind: triage.ActorStaff, ID: b.db.Staff(t, "cy@usher.test")}
	return b
}

func (b *testBundle) customer(t *testing.T, email string) triage.Actor {
	t.Helper()
	return triage.Actor{Kind: triage.ActorCustomer, ID: b.db.User(t, b.tenant, email), TenantID: b.tenant, Name: email, Locale: "en"}
}

func (b *testBundle) system(t *testing.T, fn func(tx pgx.Tx) error) {
	t.Helper()
	require.NoError(t, b.db.Worker.WithSystem(t.Context(), "test", fn))
}

// ticket is a new one of the person in a conversation of the channel.
func (b *testBundle) ticket(t *testing.T, who triage.Actor, channel triage.Channel) triage.Ticket {
	t.Helper()
	c, m, err := b.intake.Start(t.Context(), who, intake.Start{Channel: channel, Text: "The dock is closed."})
	require.NoError(t, err)
	var ticket triage.Ticket
	b.system(t, func(tx pgx.Tx) (err error) {
		ticket, err = b.desk.Escalate(t.Context(), tx, desk.Escalation{
			TenantID: b.tenant, ConversationID: c.ID, MessageID: m.ID, UserID: who.ID, Reason: triage.ReasonRequested, Subject: "The dock", Origin: string(channel),
			Classification: triage.Classification{Intent: "dock_access", Priority: triage.PriorityNormal, Language: "en", Team: "operations"},
		})
		return err
	})
	return ticket
}

func ref(t triage.Ticket) desk.TicketRef { return desk.TicketRef{TenantID: t.TenantID, ID: t.ID} }

func (b *testBundle) resolve(t *testing.T, by triage.Actor, ticket triage.Ticket) triage.Ticket {
	t.Helper()
	out, err := b.desk.Resolve(t.Context(), by, ref(ticket))
	require.NoError(t, err)
	return out
}

// ask carries out what is due and says what became of every resolution, oldest first.
func (b *testBundle) ask(t *testing.T) (states []string) {
	t.Helper()
	var due []uuid.UUID
	b.system(t, func(tx pgx.Tx) error {
		rows, err := tx.Query(t.Context(), `select id from ratings where state = 'due' order by settled_at, id`)
		if err != nil {
			return err
		}
		due, err = pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
		return err
	})
	for _, id := range due {
		_, err := b.service.Ask(t.Context(), b.tenant, id)
		require.NoError(t, err)
	}
	b.system(t, func(tx pgx.Tx) error {
		rows, err := tx.Query(t.Context(), `select trim(state || ' ' || why) from ratings order by settled_at, id`)
		if err != nil {
			return err
		}
		states, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	return states
}

func (b *testBundle) latest(t *testing.T, ticket triage.Ticket, who triage.Actor) (r rating.Rating) {
	t.Helper()
	require.NoError(t, b.db.App.WithTenant(t.Context(), b.tenant, func(tx pgx.Tx) (err error) {
		r, err = rating.Latest(t.Context(), tx, b.tenant, ticket.ConversationID, who.ID)
		return err
	}))
	return r
}

func (b *testBundle) give(t *testing.T, id uuid.UUID, score int, comment string) error {
	t.Helper()
	return b.db.App.WithTenant(t.Context(), b.tenant, func(tx pgx.Tx) error {
		_, err := b.service.Give(t.Context(), tx, b.tenant, id, score, comment)
		return err
	})
}

func (b *testBundle) sum(t *testing.T) (s rating.Summary) {
	t.Helper()
	b.system(t, func(tx pgx.Tx) (err error) {
		s, err = rating.Summarize(t.Context(), tx, b.at.AddDate(0, -6, 0), b.at.Add(time.Hour), uuid.Nil)
		return err
	})
	return s
}

func TestSomebodyIsAskedOnceAndNotAtNight(t *testing.T) {
	t.Parallel()

	t.Run("after a person resolved it, when that has stood for ten minutes", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		ticket := b.resolve(t, b.bo, b.ticket(t, b.ana, triage.ChannelChat))
		b.at = b.at.Add(9 * time.Minute)
		require.Equal(t, []string{"due"}, b.ask(t))
		b.at = b.at.Add(2 * time.Minute)
		require.Equal(t, []string{"asked"}, b.ask(t))
		asked := b.latest(t, ticket, b.ana)
		require.Equal(t, b.at.Add(rating.OpenFor), asked.OpenUntil.UTC())
		for range 3 {
			b.at = b.at.Add(24 * time.Hour)
			require.Equal(t, []string{"asked"}, b.ask(t), "never twice for one resolution")
		}
		require.Empty(t, b.mail.asked, "who chats is asked there")
	})

	t.Run("in the morning when it is night where they are", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.at = time.Date(2026, 11, 24, 21, 30, 0, 0, time.UTC) // 22:30 in Berlin
		b.resolve(t, b.bo, b.ticket(t, b.ana, triage.ChannelEmail))
		b.at = b.at.Add(time.Hour)
		require.Equal(t, []string{"due"}, b.ask(t))
		b.at = time.Date(2026, 11, 25, 6, 59, 0, 0, time.UTC)
		require.Equal(t, []string{"due"}, b.ask(t))
		b.at = time.Date(2026, 11, 25, 7, 1, 0, 0, time.UTC)
		require.Equal(t, []string{"asked"}, b.ask(t))
		require.Len(t, b.mail.asked, 1)
	})

	t.Run("at once when they say themselves that it is settled", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.at = time.Date(2026, 11, 24, 22, 30, 0, 0, time.UTC)
		ticket := b.ticket(t, b.ana, triage.ChannelChat)
		require.NoError(t, b.intake.ConfirmSolved(t.Context(), b.ana, ticket.ConversationID))
		require.Equal(t, []string{"asked"}, b.ask(t))
	})

	t.Run("not a second time within two weeks, and not when two matters are settled at once", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		first, second := b.ticket(t, b.ana, triage.ChannelChat), b.ticket(t, b.ana, triage.ChannelChat)
		other := b.customer(t, "olga@acme.test")
		third := b.ticket(t, other, triage.ChannelChat)
		b.resolve(t, b.bo, first)
		b.at = b.at.Add(time.Second)
		b.resolve(t, b.bo, second)
		b.at = b.at.Add(time.Second)
		b.resolve(t, b.bo, third)
		b.at = b.at.Add(time.Hour)
		require.Equal(t, []string{"asked", "skipped asked_lately", "asked"}, b.ask(t))
		b.at = b.at.Add(13 * 24 * time.Hour)
		b.resolve(t, b.bo, b.ticket(t, b.ana, triage.ChannelChat))
		b.at = b.at.Add(time.Hour)
		require.Equal(t, "skipped asked_lately", b.ask(t)[3])
		b.at = b.at.Add(24 * time.Hour)
		b.resolve(t, b.bo, b.ticket(t, b.ana, triage.ChannelChat))
		b.at = b.at.Add(time.Hour)
		require.Equal(t, "asked", b.ask(t)[4])
	})

	t.Run("not when it was reopened, merged, is no request, or has no way to ask", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.withMail = false
		for i, name := range []string{"a", "b", "c", "d"} {
			who := b.customer(t, name+"@acme.test")
			channel := triage.ChannelChat
			if i == 3 {
				channel = triage.ChannelEmail
			}
			ticket := b.resolve(t, b.bo, b.ticket(t, who, channel))
			var err error
			switch i {
			case 0:
				_, err = b.desk.Reopen(t.Context(), b.bo, ref(ticket))
			case 1:
				_, err = b.desk.Merge(t.Context(), b.bo, ref(ticket), ref(b.ticket(t, who, triage.ChannelChat)))
			case 2:
				_, err = b.desk.NotARequest(t.Context(), b.bo, ref(ticket))
			}
			require.NoError(t, err)
			b.at = b.at.Add(time.Second)
		}
		b.at = b.at.Add(time.Hour)
		require.Equal(t, []string{"skipped reopened", "skipped merged", "skipped merged", "skipped no_channel"}, b.ask(t))
	})

	t.Run("not of a tenant that switched it off, and with its own pause", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		set := func(asks bool, days *int) {
			require.NoError(t, b.db.Worker.WithTenant(t.Context(), b.tenant, func(tx pgx.Tx) error { return rating.Set(t.Context(), tx, b.tenant, asks, days) }))
		}
		set(false, nil)
		b.resolve(t, b.bo, b.ticket(t, b.ana, triage.ChannelChat))
		b.at = b.at.Add(time.Hour)
		require.Equal(t, []string{"skipped off"}, b.ask(t))
		none := 0
		set(true, &none)
		for range 2 {
			b.resolve(t, b.bo, b.ticket(t, b.ana, triage.ChannelChat))
			b.at = b.at.Add(time.Hour)
		}
		require.Equal(t, []string{"skipped off", "asked", "asked"}, b.ask(t))
		far := 1000
		require.ErrorIs(t, b.db.Worker.WithTenant(t.Context(), b.tenant, func(tx pgx.Tx) error { return rating.Set(t.Context(), tx, b.tenant, true, &far) }), rating.ErrBadPause)
	})

	t.Run("nor days later, after an outage", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.resolve(t, b.bo, b.ticket(t, b.ana, triage.ChannelChat))
		b.at = b.at.Add(5 * 24 * time.Hour)
		require.Equal(t, []string{"skipped too_late"}, b.ask(t))
	})

	t.Run("of the assistant's answer, when the customer is its witness", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.at = time.Now()
		c, _, err := b.intake.Start(t.Context(), b.ana, intake.Start{Channel: triage.ChannelChat, Text: "When is go-live?"})
		require.NoError(t, err)
		require.NoError(t, b.intake.ConfirmSolved(t.Context(), b.ana, c.ID))
		require.Empty(t, b.ask(t), "nothing was answered")
		_, err = b.intake.Post(t.Context(), b.ana, c.ID, intake.Post{Text: "And now?"})
		require.NoError(t, err)
		require.NoError(t, b.db.App.WithTenant(t.Context(), b.tenant, func(tx pgx.Tx) error {
			_, _, err := triage.InsertMessage(t.Context(), tx, triage.Message{
				TenantID: b.tenant, ID: uuid.Must(uuid.NewV7()), ConversationID: c.ID, AuthorKind: triage.AuthorAssistant, AuthorName: "Usher", Visibility: triage.VisibleToCustomer, Body: "On 1 December.",
			})
			if err != nil {
				return err
			}
			return triage.SetConversationState(t.Context(), tx, b.tenant, c.ID, triage.ConversationOpen, "on")
		}))
		for range 2 { // a second click
			require.NoError(t, b.intake.ConfirmSolved(t.Context(), b.ana, c.ID))
		}
		b.at = time.Now().Add(time.Second)
		require.Equal(t, []string{"asked"}, b.ask(t))
		require.NoError(t, b.give(t, b.latest(t, triage.Ticket{ConversationID: c.ID}, b.ana).ID, 1, "Wrong date"))
		s := b.sum(t)
		require.Equal(t, "assistant", s.By[0].Name)
		require.Equal(t, 1, s.By[0].Answered)
		require.Empty(t, s.Agents, "nobody of ours settled it")
	})
}

func TestWhatWasSaidCanBeChangedAndTakenBack(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ticket := b.resolve(t, b.bo, b.ticket(t, b.ana, triage.ChannelChat))
	b.at = b.at.Add(time.Hour)
	b.ask(t)
	id := b.latest(t, ticket, b.ana).ID
	notes := func() (texts []string) {
		for { // the root may be edited once a second
			wait, err := b.desk.Drain(t.Context(), b.tenant, ticket.ID, "slack", time.Minute)
			require.NoError(t, err)
			if wait == 0 {
				break
			}
			b.at = b.at.Add(wait)
		}
		for _, p := range b.slack.Thread(ticket.ID) {
			if strings.Contains(p.Text, "rated") {
				require.Equal(t, desk.PostInternal, p.Label, "never to the customer")
				texts = append(texts, p.Text)
			}
		}
		return texts
	}
	require.ErrorIs(t, b.give(t, id, 6, ""), rating.ErrBadScore)
	require.NoError(t, b.give(t, id, 4, ""))
	require.Empty(t, notes(), "a good score disturbs nobody")
	require.NoError(t, b.give(t, id, 1, "  Still closed.\x00  "))
	require.NoError(t, b.give(t, id, 2, "Well"))
	require.Equal(t, []string{"The customer rated how this was settled 1 of 5 (very poor).\n\n“Still closed.”"}, notes(), "once")
	require.Equal(t, []int{4, 1, 2}, b.events.scores())
	require.NoError(t, b.give(t, id, 2, "Well"))
	require.Equal(t, []int{4, 1, 2}, b.events.scores(), "nothing changed")
	require.Equal(t, [6]int{0, 0, 1}, b.sum(t).Total.Scores)

	require.NoError(t, b.db.App.WithTenant(t.Context(), b.tenant, func(tx pgx.Tx) error {
		r, err := b.service.Withdraw(t.Context(), tx, b.tenant, id)
		require.Nil(t, r.Score)
		return err
	}))
	total := b.sum(t).Total
	require.Equal(t, 1, total.Asked)
	require.Zero(t, total.Answered)
	require.NoError(t, b.give(t, id, 5, ""))
	b.at = b.at.Add(rating.OpenFor + time.Minute)
	require.ErrorIs(t, b.give(t, id, 1, ""), rating.ErrClosed)
	require.Equal(t, []int{4, 1, 2, -1, 5}, b.events.scores(), "each change is told, also that it was taken back")
	slices.SortFunc(b.events.ids, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
	require.Len(t, slices.Compact(b.events.ids), 5, "each as an event of its own")
	for _, d := range b.events.data {
		require.Equal(t, id.String(), d["id"])
		require.Equal(t, ticket.ConversationID.String(), d["conversation_id"])
		require.EqualValues(t, ticket.Number, d["ticket_number"])
	}
	require.Equal(t, "Still closed.", b.events.data[1]["comment"])
	require.Empty(t, b.events.data[3]["comment"], "nothing is told of what was taken back")
	require.Equal(t, 1, b.sum(t).Total.Content)

	// Another tenant neither reads nor writes it.
	other := b.db.Tenant(t, "other")
	b.at = b.at.Add(-2 * time.Minute)
	require.ErrorIs(t, b.db.App.WithTenant(t.Context(), other, func(tx pgx.Tx) error {
		_, err := b.service.Give(t.Context(), tx, b.tenant, id, 1, "")
		return err
	}), rating.ErrNotAsked)
	// It goes with the person.
	b.system(t, func(tx pgx.Tx) error {
		if _, err := tx.Exec(t.Context(), `delete from tickets where tenant_id = $1`, b.tenant); err != nil {
			return err
		}
		if _, err := tx.Exec(t.Context(), `delete from conversations where tenant_id = $1`, b.tenant); err != nil {
			return err
		}
		if _, err := tx.Exec(t.Context(), `delete from users where tenant_id = $1 and id = $2`, b.tenant, b.ana.ID); err != nil {
			return err
		}
		var left int
		require.NoError(t, tx.QueryRow(t.Context(), `select count(*) from ratings`).Scan(&left))
		require.Zero(t, left)
		return nil
	})
}

func TestAMatterCountsOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	none := 0
	require.NoError(t, b.db.Worker.WithTenant(t.Context(), b.tenant, func(tx pgx.Tx) error { return rating.Set(t.Context(), tx, b.tenant, true, &none) }))
	settle := func(by triage.Actor, ticket triage.Ticket, score int) {
		b.resolve(t, by, ticket)
		b.at = b.at.Add(time.Hour)
		b.ask(t)
		if score > 0 {
			require.NoError(t, b.give(t, b.latest(t, ticket, b.ana).ID, score, ""))
		}
	}
	first := b.ticket(t, b.ana, triage.ChannelChat)
	settle(b.bo, first, 2)
	_, err := b.desk.Reopen(t.Context(), b.cy, ref(first))
	require.NoError(t, err)
	_, err = b.desk.Assign(t.Context(), b.cy, ref(first), b.cy.ID)
	require.NoError(t, err)
	settle(b.cy, first, 5)
	s := b.sum(t)
	require.Equal(t, 1, s.Total.Asked, "reopened and settled again is one matter")
	require.Equal(t, 5, s.Total.Sum, "the last word counts")
	require.Len(t, s.Agents, 1)
	require.Equal(t, "cy@usher.test", s.Agents[0].Name, "for who settled it last")

	second := b.ticket(t, b.ana, triage.ChannelChat)
	settle(b.bo, second, 3)
	require.Equal(t, 2, b.sum(t).Total.Asked)
	third := b.ticket(t, b.ana, triage.ChannelChat)
	settle(b.bo, third, 0)
	require.Equal(t, 3, b.sum(t).Total.Asked)
	_, err = b.desk.Merge(t.Context(), b.bo, ref(second), ref(first))
	require.NoError(t, err)
	_, err = b.desk.Merge(t.Context(), b.bo, ref(third), ref(second))
	require.Error(t, err, "a merged ticket takes no other in")
	_, err = b.desk.Merge(t.Context(), b.bo, ref(third), ref(first))
	require.NoError(t, err)
	s = b.sum(t)
	require.Equal(t, 1, s.Total.Asked, "merged ones are one matter")
	require.Equal(t, 1, s.Total.Answered)
	require.Equal(t, 3, s.Total.Sum, "what was said last")
	require.Equal(t, []string{"dock_access", "operations", b.tenant.String(), "2026-11-23"}, []string{s.Topics[0].Name, s.Teams[0].Name, s.Tenants[0].Name, s.Weeks[0].Name})
}

func TestTheIntervalIsWilsons(t *testing.T) {
	t.Parallel()
	// Agresti and Coull's example and the edges, to four places.
	for _, c := range []struct {
		content, n int
		low, high  float64
	}{{0, 0, 0, 1}, {0, 10, 0, 0.2775}, {10, 10, 0.7225, 1}, {8, 10, 0.4902, 0.9433}, {80, 100, 0.7112, 0.8666}} {
		low, high := rating.Count{Answered: c.n, Content: c.content}.Interval()
		require.InDelta(t, c.low, low, 1e-4)
		require.InDelta(t, c.high, high, 1e-4)
	}
}

func TestALinkNamesItsQuestionOnly(t *testing.T) {
	t.Parallel()
	links := rating.NewLinks("secret")
	tenant, id := uuid.New(), uuid.New()
	token := links.Token(tenant, id)
	gotTenant, gotID, err := links.Read(token)
	require.NoError(t, err)
	require.Equal(t, []uuid.UUID{tenant, id}, []uuid.UUID{gotTenant, gotID})
	_, _, err = rating.NewLinks("another").Read(token)
	require.ErrorIs(t, err, rating.ErrBadLink)
	for i := range token {
		forged := []byte(token)
		forged[i] ^= 1
		if _, _, err := links.Read(string(forged)); err == nil {
			t.Fatalf("byte %d can be changed", i)
		}
	}
}
