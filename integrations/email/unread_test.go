package email_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/desk"
)

func TestUnreadReplies(t *testing.T) {
	t.Parallel()
	chat := func(t *testing.T) (*testBundle, uuid.UUID) {
		b := setup(t)
		id := uuid.Must(uuid.NewV7())
		require.NoError(t, b.db.App.WithTenant(t.Context(), b.tenant, func(tx pgx.Tx) error {
			_, err := triage.InsertConversation(t.Context(), tx, triage.Conversation{TenantID: b.tenant, ID: id, UserID: &b.user, Channel: triage.ChannelChat, Subject: "Dock 4"})
			return err
		}))
		return b, id
	}
	later := func(b *testBundle) { b.now = b.now.Add(3 * time.Minute) }

	t.Run("replies nobody reads come as one mail, and an answer to it lands in the chat", func(t *testing.T) {
		t.Parallel()
		b, id := chat(t)
		b.answer(t, id, triage.AuthorAssistant, triage.VisibleToCustomer, "Let me look.")
		b.answer(t, id, triage.AuthorAgent, triage.VisibleToCustomer, "It is on its way.")
		b.answer(t, id, triage.AuthorAgent, triage.Internal, "SECRET margin")
		b.answer(t, id, triage.AuthorAgent, triage.VisibleToCustomer, "It arrives on Monday.")
		require.Empty(t, b.post.all(), "the customer may still be there")
		later(b)
		for range 3 {
			b.send(t)
		}
		sent := b.post.all()
		require.Len(t, sent, 1)
		require.Contains(t, sent[0].Header.Get("Subject"), "New reply: Dock 4")
		require.Empty(t, sent[0].Header.Get("Auto-Submitted"))
		for _, want := range []string{"It is on its way.", "It arrives on Monday.", "/c/" + id.String()} {
			require.Contains(t, b.post.text[0], want)
		}
		require.NotContains(t, b.post.text[0], "SECRET")
		require.NotContains(t, b.post.text[0], "Let me look")

		b.answer(t, id, triage.AuthorAgent, triage.VisibleToCustomer, "Or Tuesday.")
		later(b)
		b.send(t)
		require.Len(t, b.post.all(), 2)
		require.NotContains(t, b.post.text[1], "Monday", "what was mailed is not mailed again")

		back := strings.Trim(sent[0].Header.Get("Reply-To"), "<>")
		b.receive(t, raw("1@acme.test", "ana@acme.test", back, "Re: New reply", "Thank you."))
		got := b.messages(t, id)
		require.Equal(t, "customer: Thank you.", got[len(got)-1])
		b.db.User(t, b.tenant, "eve@acme.test")
		b.receive(t, raw("2@acme.test", "eve@acme.test", back, "Re: New reply", "I am Ana."))
		require.Len(t, b.messages(t, id), len(got), "the address is one person's")
	})

	t.Run("what is read in the chat is not mailed", func(t *testing.T) {
		t.Parallel()
		b, id := chat(t)
		read := func() {
			require.NoError(t, b.db.Worker.WithTenant(t.Context(), b.tenant, func(tx pgx.Tx) error {
				_, err := tx.Exec(t.Context(), `update conversations set customer_read_seq = last_seq where tenant_id = $1 and id = $2`, b.tenant, id)
				return err
			}))
		}
		b.answer(t, id, triage.AuthorAgent, triage.VisibleToCustomer, "Read at once.")
		read()
		later(b)
		b.send(t)
		require.Empty(t, b.post.all())

		b.now = time.Now()
		b.answer(t, id, triage.AuthorAgent, triage.VisibleToCustomer, "Read just before the mail leaves.")
		later(b)
		_, err := b.service.Sweep(t.Context())
		require.NoError(t, err)
		read()
		b.send(t)
		require.Empty(t, b.post.all())
	})

	t.Run("in the person's language, and never to somebody deactivated", func(t *testing.T) {
		t.Parallel()
		b, id := chat(t)
		set := func(what string) {
			require.NoError(t, b.db.Worker.WithTenant(t.Context(), b.tenant, func(tx pgx.Tx) error {
				_, err := tx.Exec(t.Context(), `update users set `+what+` where tenant_id = $1 and id = $2`, b.tenant, b.user)
				return err
			}))
		}
		set("locale = 'de', state = 'deactivated'")
		b.answer(t, id, triage.AuthorAgent, triage.VisibleToCustomer, "Kommt am Montag.")
		later(b)
		b.send(t)
		require.Empty(t, b.post.all())
		set("state = 'active'")
		b.send(t)
		require.Len(t, b.post.all(), 1)
		require.Contains(t, b.post.all()[0].Header.Get("Subject"), "Neue Antwort")
	})
}

// A sweep reads what is due, not what there is: what has left is due no more, an
// answer still being written stays so, and what is no mail never was.
func TestASweepReadsOnlyWhatIsDue(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var conversation, chat uuid.UUID
	write := func(in uuid.UUID, m triage.Message) uuid.UUID {
		require.NoError(t, b.db.Worker.WithTenant(t.Context(), b.tenant, func(tx pgx.Tx) error {
			m.TenantID, m.ID, m.ConversationID, m.AuthorName = b.tenant, uuid.Must(uuid.NewV7()), in, "Bo"
			_, _, err := triage.InsertMessage(t.Context(), tx, m)
			return err
		}))
		return m.ID
	}
	require.NoError(t, b.db.Worker.WithTenant(t.Context(), b.tenant, func(tx pgx.Tx) error {
		for id, channel := range map[*uuid.UUID]triage.Channel{&conversation: triage.ChannelEmail, &chat: triage.ChannelChat} {
			*id = uuid.Must(uuid.NewV7())
			if _, err := triage.InsertConversation(t.Context(), tx, triage.Conversation{TenantID: b.tenant, ID: *id, UserID: &b.user, Channel: channel}); err != nil {
				return err
			}
		}
		return nil
	}))
	due := func() (n int) {
		require.NoError(t, b.db.Worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) error {
			return tx.QueryRow(t.Context(), `select count(*) from messages where mail_due`).Scan(&n)
		}))
		return n
	}
	sweep := func() int {
		n, err := b.service.Sweep(t.Context())
		require.NoError(t, err)
		return n
	}
	said := triage.Message{AuthorKind: triage.AuthorAgent, Visibility: triage.VisibleToCustomer, Body: "Done"}
	write(conversation, said)
	write(conversation, triage.Message{AuthorKind: triage.AuthorAgent, Visibility: triage.Internal, Body: "Not for them"})
	write(conversation, triage.Message{AuthorKind: triage.AuthorCustomer, Visibility: triage.VisibleToCustomer, Body: "Help"})
	write(chat, said)
	require.Equal(t, 1, due())
	streaming := write(conversation, triage.Message{AuthorKind: triage.AuthorAssistant, Visibility: triage.VisibleToCustomer, Body: "You can", State: triage.MessageStreaming})
	require.Equal(t, 1, sweep())
	require.Equal(t, 1, due(), "what is being written is due")
	require.Zero(t, sweep())
	set := func(what string) {
		require.NoError(t, b.db.Worker.WithTenant(t.Context(), b.tenant, func(tx pgx.Tx) error {
			_, err := tx.Exec(t.Context(), `update messages set `+what+` where tenant_id = $1 and id = $2`, b.tenant, streaming)
			return err
		}))
	}
	set(`state = 'final'`)
	require.Equal(t, 1, sweep())
	require.Zero(t, due())
	set(`mail_due = true`)
	require.Zero(t, sweep(), "a delivery is stored once")
	streaming = write(conversation, said)
	set(`created_at = now() - interval '3 days'`)
	require.Zero(t, sweep(), "what is too old stays")
	require.Zero(t, due())
}

// refusing is a desk that cannot be told of one conversation.
type refusing struct{ conversation uuid.UUID }

func (d refusing) NotReached(_ context.Context, _ pgx.Tx, in desk.Unreached) error {
	if in.ConversationID == d.conversation {
		return errors.New("held by somebody else")
	}
	return nil
}

// Late mail is set aside one by one: what cannot be told of now stays due, and holds
// back neither other late mail nor what leaves.
func TestLateMailIsSetAsideOneByOne(t *testing.T) {
	t.Parallel()
	b := setup(t)
	write := func(age time.Duration) (conversation uuid.UUID) {
		conversation = uuid.Must(uuid.NewV7())
		require.NoError(t, b.db.Worker.WithTenant(t.Context(), b.tenant, func(tx pgx.Tx) error {
			if _, err := triage.InsertConversation(t.Context(), tx, triage.Conversation{TenantID: b.tenant, ID: conversation, UserID: &b.user, Channel: triage.ChannelEmail}); err != nil {
				return err
			}
			m := triage.Message{TenantID: b.tenant, ID: uuid.Must(uuid.NewV7()), ConversationID: conversation, AuthorKind: triage.AuthorAgent, AuthorName: "Bo", Visibility: triage.VisibleToCustomer, Body: "Done"}
			if _, _, err := triage.InsertMessage(t.Context(), tx, m); err != nil {
				return err
			}
			_, err := tx.Exec(t.Context(), `update messages set created_at = $3 where tenant_id = $1 and id = $2`, b.tenant, m.ID, time.Now().Add(-age))
			return err
		}))
		return conversation
	}
	held := write(80 * time.Hour)
	write(70 * time.Hour)
	write(time.Minute)
	state := func() (due, aside, leaving int) {
		require.NoError(t, b.db.Worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) error {
			return tx.QueryRow(t.Context(), `select (select count(*) from messages where mail_due), count(*) filter (where state = 'failed'), count(*) filter (where state = 'pending') from deliveries where destination = 'email'`).Scan(&due, &aside, &leaving)
		}))
		return due, aside, leaving
	}
	b.service.Desk = refusing{conversation: held}
	n, err := b.service.Sweep(t.Context())
	require.ErrorContains(t, err, "held by somebody else")
	require.Equal(t, 1, n)
	due, aside, leaving := state()
	require.Equal(t, []int{1, 1, 1}, []int{due, aside, leaving})
	b.service.Desk = refusing{}
	_, err = b.service.Sweep(t.Context())
	require.NoError(t, err)
	due, aside, leaving = state()
	require.Equal(t, []int{0, 2, 1}, []int{due, aside, leaving})
}
