package intake_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/migrations/dbtest"
	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/intake"
)

type deskSpy struct {
	confirmed []uuid.UUID
	changed   []string // what messages said before
}

func (d *deskSpy) CustomerChanged(_ context.Context, _ pgx.Tx, _ triage.Message, before string, _ triage.Actor) error {
	d.changed = append(d.changed, before)
	return nil
}

func (d *deskSpy) CustomerConfirmed(_ context.Context, _ pgx.Tx, _, conversation uuid.UUID, _ triage.Actor) error {
	d.confirmed = append(d.confirmed, conversation)
	return nil
}

type testBundle struct {
	db       *dbtest.Database
	service  *intake.Service
	desk     *deskSpy
	tenant   uuid.UUID
	customer triage.Actor
}

func setup(t *testing.T) *testBundle {
	t.Helper()
	db := dbtest.New(t)
	jobs, err := river.NewClient(riverpgxv5.New(db.App.Pool()), &river.Config{})
	require.NoError(t, err)
	b := &testBundle{db: db, desk: &deskSpy{}, tenant: db.Tenant(t, "acme")}
	b.service = intake.New(db.App, jobs, b.desk, nil)
	b.customer = b.person(t, b.tenant, "ana@acme.test")
	return b
}

func (b *testBundle) person(t *testing.T, tenant uuid.UUID, email string, roles ...string) triage.Actor {
	t.Helper()
	return triage.Actor{Kind: triage.ActorCustomer, ID: b.db.User(t, tenant, email, roles...), Name: email, TenantID: tenant, Roles: roles}
}

func (b *testBundle) jobs(t *testing.T) (n int) {
	t.Helper()
	require.NoError(t, b.db.Worker.Pool().QueryRow(t.Context(), `select count(*) from river_job where kind = 'process_message'`).Scan(&n))
	return n
}

func TestStart(t *testing.T) {
	t.Parallel()

	t.Run("stores the message, its event and its job together", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		c, m, err := b.service.Start(t.Context(), b.customer, intake.Start{Channel: triage.ChannelChat, Text: "  When do we go live?\n"})
		require.NoError(t, err)
		require.Equal(t, "When do we go live?", m.Body)
		require.Equal(t, int64(1), m.Seq)
		require.Equal(t, "When do we go live?", c.LastLine)
		require.Equal(t, 1, b.jobs(t))
		require.NoError(t, b.db.App.WithTenant(t.Context(), b.tenant, func(tx pgx.Tx) error {
			events, err := triage.EventsSince(t.Context(), tx, b.tenant, c.ID, 0, false, 10)
			require.NoError(t, err)
			require.Len(t, events, 1)
			require.Equal(t, triage.EventMessageCreated, events[0].Kind)
			require.Contains(t, string(events[0].Payload), `"seq": 1`)
			return nil
		}))
	})

	t.Run("the same key makes the same conversation, also in parallel", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		ids := make([]uuid.UUID, 5)
		var group sync.WaitGroup
		for i := range ids {
			group.Go(func() {
				c, _, err := b.service.Start(t.Context(), b.customer, intake.Start{Channel: triage.ChannelChat, Text: "Hi", ClientKey: "k1"})
				if err == nil {
					ids[i] = c.ID
				}
			})
		}
		group.Wait()
		for _, id := range ids {
			require.Equal(t, ids[0], id)
		}
		require.Equal(t, 1, b.jobs(t))
		_, _, err := b.service.Start(t.Context(), b.customer, intake.Start{Channel: triage.ChannelChat, Text: "Other", ClientKey: "k1"})
		require.ErrorIs(t, err, intake.ErrKeyReused)
	})

	t.Run("refuses what cannot be a message", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		c, _, err := b.service.Start(t.Context(), b.customer, intake.Start{Channel: triage.ChannelChat})
		require.NoError(t, err, "a chat may start empty")
		_, err = b.service.Post(t.Context(), b.customer, c.ID, intake.Post{Text: " \x00\n"})
		require.ErrorIs(t, err, triage.ErrEmptyMessage)
		_, err = b.service.Post(t.Context(), b.customer, c.ID, intake.Post{Text: strings.Repeat("a", triage.MaxMessageBytes+1)})
		require.ErrorIs(t, err, triage.ErrMessageTooLong)
		m, err := b.service.Post(t.Context(), b.customer, c.ID, intake.Post{Text: "bad \xff utf8"})
		require.NoError(t, err)
		require.Equal(t, "bad � utf8", m.Body)
	})
}

func TestPost(t *testing.T) {
	t.Parallel()

	t.Run("a message sent twice is stored once", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		c, _, err := b.service.Start(t.Context(), b.customer, intake.Start{Channel: triage.ChannelChat})
		require.NoError(t, err)
		first, err := b.service.Post(t.Context(), b.customer, c.ID, intake.Post{Text: "Hello", ClientKey: "a"})
		require.NoError(t, err)
		var group sync.WaitGroup
		for range 4 {
			group.Go(func() {
				again, err := b.service.Post(t.Context(), b.customer, c.ID, intake.Post{Text: "Hello", ClientKey: "a"})
				if err != nil || again.ID != first.ID {
					t.Errorf("resend: %v %v", again.ID, err)
				}
			})
		}
		group.Wait()
		require.Equal(t, 1, b.jobs(t))
	})

	t.Run("events of one conversation have no duplicates and stay in order under load", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		c, _, err := b.service.Start(t.Context(), b.customer, intake.Start{Channel: triage.ChannelChat})
		require.NoError(t, err)
		var group sync.WaitGroup
		for range 20 {
			group.Go(func() {
				if _, err := b.service.Post(t.Context(), b.customer, c.ID, intake.Post{Text: "x"}); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		messages, err := b.service.Messages(t.Context(), b.customer, c.ID, 0, 100)
		require.NoError(t, err)
		require.Len(t, messages, 20)
		for i, m := range messages {
			require.Equal(t, int64(i+1), m.Seq)
		}
	})
}

func TestAnotherTenantsIDIsLikeAMissingOne(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c, m, err := b.service.Start(t.Context(), b.customer, intake.Start{Channel: triage.ChannelChat, Text: "Hello"})
	require.NoError(t, err)
	stranger := b.person(t, b.db.Tenant(t, "globex"), "eve@globex.test", "admin")
	colleague := b.person(t, b.tenant, "bob@acme.test")
	for name, actor := range map[string]triage.Actor{"stranger": stranger, "colleague without a sharing role": colleague} {
		for _, id := range []uuid.UUID{c.ID, uuid.Must(uuid.NewV7())} {
			_, err = b.service.Conversation(t.Context(), actor, id)
			require.ErrorIs(t, err, triage.ErrConversationNotFound, name)
			_, err = b.service.Post(t.Context(), actor, id, intake.Post{Text: "x"})
			require.ErrorIs(t, err, triage.ErrConversationNotFound, name)
			require.ErrorIs(t, b.service.Stop(t.Context(), actor, id), triage.ErrConversationNotFound, name)
			require.ErrorIs(t, b.service.MarkRead(t.Context(), actor, id, 1), triage.ErrConversationNotFound, name)
			require.ErrorIs(t, b.service.ConfirmSolved(t.Context(), actor, id), triage.ErrConversationNotFound, name)
		}
		require.ErrorIs(t, b.service.Vote(t.Context(), actor, m.ID, intake.Vote{Vote: "helpful"}), triage.ErrMessageNotFound, name)
	}
	_, err = b.service.Conversation(t.Context(), b.person(t, b.tenant, "boss@acme.test", "admin"), c.ID)
	require.NoError(t, err, "an admin of the tenant shares it")
}

func TestFileTicket(t *testing.T) {
	t.Parallel()
	b := setup(t)
	key := triage.Actor{Kind: triage.ActorCustomer, ID: uuid.Must(uuid.NewV7()), TenantID: b.tenant, Roles: []string{intake.RoleAPI}}
	filed, err := b.service.FileTicket(t.Context(), key, intake.Ticket{Subject: "Import stops", Text: "It stops at 80 %", RequesterEmail: "ANA@acme.test", ClientKey: "t-1"})
	require.NoError(t, err)
	require.Equal(t, b.customer.ID, *filed.Conversation.UserID)
	again, err := b.service.FileTicket(t.Context(), key, intake.Ticket{Subject: "Import stops", Text: "It stops at 80 %", RequesterEmail: "ANA@acme.test", ClientKey: "t-1"})
	require.NoError(t, err)
	require.Equal(t, filed.Conversation.ID, again.Conversation.ID)
	require.Equal(t, filed.Message.ID, again.Message.ID)
	_, err = b.service.FileTicket(t.Context(), key, intake.Ticket{Text: "x", RequesterEmail: "nobody@acme.test"})
	require.ErrorIs(t, err, intake.ErrRequesterUnknown)
	_, err = b.service.FileTicket(t.Context(), key, intake.Ticket{})
	require.ErrorIs(t, err, triage.ErrEmptyMessage)
}

func TestWhoeverWantsAPerson(t *testing.T) {
	t.Parallel()
	answered := func(t *testing.T) (*testBundle, triage.Conversation, uuid.UUID) {
		t.Helper()
		b := setup(t)
		c, _, err := b.service.Start(t.Context(), b.customer, intake.Start{Channel: triage.ChannelChat, Text: "Hello"})
		require.NoError(t, err)
		id := uuid.Must(uuid.NewV7())
		require.NoError(t, b.db.Worker.WithTenant(t.Context(), b.tenant, func(tx pgx.Tx) error {
			_, _, err := triage.InsertMessage(t.Context(), tx, triage.Message{TenantID: b.tenant, ID: id, ConversationID: c.ID, AuthorKind: triage.AuthorAssistant, Visibility: triage.VisibleToCustomer, Body: "Hello."})
			return err
		}))
		return b, c, id
	}
	wants := intake.Vote{Vote: "not_helpful", Cause: intake.WantsPerson, Reason: "Please call me"}
	t.Run("gets one, each of those who read along", func(t *testing.T) {
		t.Parallel()
		b, c, id := answered(t)
		boss := b.person(t, b.tenant, "boss@acme.test", "admin")
		for _, who := range []triage.Actor{b.customer, boss, b.customer, boss} {
			require.NoError(t, b.service.Vote(t.Context(), who, id, wants))
		}
		messages, err := b.service.Messages(t.Context(), b.customer, c.ID, 0, 100)
		require.NoError(t, err)
		var asked []uuid.UUID
		for _, m := range messages {
			if m.Body == wants.Reason {
				asked = append(asked, *m.AuthorID)
			}
		}
		require.Equal(t, []uuid.UUID{b.customer.ID, boss.ID}, asked)
	})
	t.Run("has said nothing where nobody can be asked any more", func(t *testing.T) {
		t.Parallel()
		b, c, id := answered(t)
		votes := func() (n int) {
			require.NoError(t, b.db.Worker.WithTenant(t.Context(), b.tenant, func(tx pgx.Tx) error {
				return tx.QueryRow(t.Context(), `select count(*) from feedback where tenant_id = $1`, b.tenant).Scan(&n)
			}))
			return n
		}
		require.NoError(t, b.db.Worker.WithTenant(t.Context(), b.tenant, func(tx pgx.Tx) error {
			return triage.SetConversationState(t.Context(), tx, b.tenant, c.ID, triage.ConversationClosed, "off")
		}))
		require.ErrorIs(t, b.service.Vote(t.Context(), b.customer, id, wants), triage.ErrConversationClosed)
		require.Zero(t, votes())
		require.NoError(t, b.service.Vote(t.Context(), b.customer, id, intake.Vote{Vote: "not_helpful", Cause: "wrong"}), "what it was worth can still be said")
		require.Equal(t, 1, votes())
	})
}
