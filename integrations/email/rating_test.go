package email_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/rating"
)

func TestAQuestionByMail(t *testing.T) {
	t.Parallel()
	b := setup(t)
	conversation := uuid.Must(uuid.NewV7())
	ask := func(locale string) rating.Rating {
		settled := b.now.UTC().Truncate(time.Microsecond)
		r := rating.Resolution{TenantID: b.tenant, ConversationID: conversation, UserID: b.user, At: settled, Present: true}
		require.NoError(t, b.db.Worker.WithTenant(t.Context(), b.tenant, func(tx pgx.Tx) error {
			if _, err := tx.Exec(t.Context(), `update users set locale = $3 where tenant_id = $1 and id = $2`, b.tenant, b.user, locale); err != nil {
				return err
			}
			return rating.Settled(t.Context(), tx, b.service.Jobs, r)
		}))
		service := rating.New(rating.Config{DB: b.db.Worker, Now: func() time.Time { return b.now }, Mail: func() rating.Mail { return b.service }})
		var out rating.Rating
		require.NoError(t, b.db.Worker.WithTenant(t.Context(), b.tenant, func(tx pgx.Tx) error {
			return tx.QueryRow(t.Context(), `select id from ratings where tenant_id = $1 and settled_at = $2`, b.tenant, settled).Scan(&out.ID)
		}))
		wait, err := service.Ask(t.Context(), b.tenant, out.ID)
		require.NoError(t, err)
		require.Zero(t, wait)
		return out
	}
	require.NoError(t, b.db.App.WithTenant(t.Context(), b.tenant, func(tx pgx.Tx) error {
		_, err := triage.InsertConversation(t.Context(), tx, triage.Conversation{TenantID: b.tenant, ID: conversation, UserID: &b.user, Channel: triage.ChannelEmail, Subject: "Dock 4"})
		if err != nil {
			return err
		}
		return triage.SetConversationState(t.Context(), tx, b.tenant, conversation, triage.ConversationSolved, "on")
	}))

	asked := ask("de-AT")
	for range 2 {
		b.send(t)
	}
	sent := b.post.all()
	require.Len(t, sent, 1, "once")
	require.Contains(t, sent[0].Header.Get("Subject"), "Wie waren wir? Dock 4")
	require.Equal(t, "auto-replied", sent[0].Header.Get("Auto-Submitted"), "out-of-office notes stay away")
	text := strings.ReplaceAll(b.post.text[0], "=\r\n", "")
	links := regexp.MustCompile(`/rate/([\w-]+)#([1-5])`).FindAllStringSubmatch(text, -1)
	require.Len(t, links, 5)
	require.Equal(t, "5", links[0][2], "the best first")
	tenant, id, err := rating.NewLinks(b.service.Secret).Read(links[0][1])
	require.NoError(t, err)
	require.Equal(t, []uuid.UUID{b.tenant, asked.ID}, []uuid.UUID{tenant, id})

	// Answered before it leaves, a mail stays.
	b.now = b.now.Add(time.Hour)
	again := ask("en")
	require.NoError(t, b.db.Worker.WithTenant(t.Context(), b.tenant, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `update ratings set score = 4, rated_at = now() where tenant_id = $1 and id = $2`, b.tenant, again.ID)
		return err
	}))
	b.send(t)
	require.Len(t, b.post.all(), 1)

	// The guard against machines that answer each other counts past it.
	b.answer(t, conversation, triage.AuthorAssistant, triage.VisibleToCustomer, "Here is more.")
	b.send(t)
	require.Len(t, b.post.all(), 2)
}
