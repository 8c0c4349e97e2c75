package main

import (
	"log/slog"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/migrations"
	"github.com/usherdesk/usher/migrations/dbtest"
	"github.com/usherdesk/usher/portal/onboarding/notice"
	"github.com/usherdesk/usher/portal/onboarding/rule"
	"github.com/usherdesk/usher/triage"
)

// Each person hears of it once, where they write to us, and not at night.
func TestNoticesGoWherePeopleAre(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	a, err := build(t.Context(), config{
		AppURL: db.RoleURL(t, migrations.AppRole), WorkerURL: db.RoleURL(t, migrations.WorkerRole), PublicURL: "http://localhost", Engine: "builtin", Roles: []string{"api"},
		Mail: mailConfig{From: "help@usher.test", SMTPAddr: "127.0.0.1:1"}, Secret: "a secret that is long enough for everything",
	}, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(a.close)
	tenant := db.Tenant(t, "acme")
	chats, writes, stranger, signedIn := db.User(t, tenant, "chats@acme.test", "admin"), db.User(t, tenant, "writes@acme.test", "admin"), db.User(t, tenant, "stranger@acme.test", "admin"), db.User(t, tenant, "signedin@acme.test", "admin")
	night := time.Date(2026, 11, 23, 22, 30, 0, 0, time.UTC) // 23:30 where the tenant is
	var old uuid.UUID
	require.NoError(t, a.worker.WithTenant(t.Context(), tenant, func(tx pgx.Tx) error {
		if _, err := tx.Exec(t.Context(), `update users set last_login_at = now() where tenant_id = $1 and id = $2`, tenant, signedIn); err != nil {
			return err
		}
		for user, channel := range map[uuid.UUID]triage.Channel{chats: triage.ChannelChat, writes: triage.ChannelEmail} {
			c, err := triage.InsertConversation(t.Context(), tx, triage.Conversation{TenantID: tenant, ID: uuid.Must(uuid.NewV7()), UserID: &user, Channel: channel, Subject: "Earlier"})
			if err != nil {
				return err
			}
			if user == chats {
				old = c.ID
			}
		}
		return nil
	}))
	fired := rule.Fired{Rule: "tell_slip", Action: rule.Action{Kind: rule.TellCustomer}, Event: rule.Event{
		TenantID: tenant, Kind: rule.MilestoneSlipped, Subject: "milestone/x/2026-11-20", Entity: "milestone", Fields: map[string]string{"name": "Kick-off", "date": "2026-11-20"},
	}}
	send := func(at time.Time) (n int) {
		require.NoError(t, a.worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) (err error) {
			n, err = notice.Send(t.Context(), tx, at, 100, a.tell)
			return err
		}))
		return n
	}
	for range 2 { // the event is told twice
		require.NoError(t, a.worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) error { return notice.Create(t.Context(), tx, fired, night) }))
	}
	require.Zero(t, send(night.Add(time.Hour)), "not at night")
	require.Equal(t, 4, send(night.Add(10*time.Hour)))
	require.Zero(t, send(night.Add(11*time.Hour)), "once")

	channels := map[uuid.UUID]string{}
	var into uuid.UUID
	require.NoError(t, a.worker.WithTenant(t.Context(), tenant, func(tx pgx.Tx) error {
		rows, err := tx.Query(t.Context(), `select c.user_id, c.channel, c.id from messages m join conversations c on c.tenant_id = m.tenant_id and c.id = m.conversation_id
			where m.tenant_id = $1 and m.author_kind = 'assistant' and m.body like '%Kick-off%20 November 2026%'`, tenant)
		if err != nil {
			return err
		}
		var user, conversation uuid.UUID
		var channel string
		_, err = pgx.ForEachRow(rows, []any{&user, &channel, &conversation}, func() error {
			require.Empty(t, channels[user], "told once")
			channels[user] = channel
			if user == chats {
				into = conversation
			}
			return nil
		})
		return err
	}))
	require.Equal(t, map[uuid.UUID]string{chats: "chat", writes: "email", stranger: "email", signedIn: "chat"}, channels)
	require.Equal(t, old, into, "into the conversation that is open")
	n, err := a.mail.Sweep(t.Context())
	require.NoError(t, err)
	require.Equal(t, 2, n, "two mails are on their way")

	state := func(state string) {
		require.NoError(t, a.worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) error {
			_, err := tx.Exec(t.Context(), `update tenants set lifecycle_state = $2 where id = $1`, tenant, state)
			return err
		}))
	}
	fired.Event.Subject = "milestone/x/2026-11-21"
	require.NoError(t, a.worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) error { return notice.Create(t.Context(), tx, fired, night) }))
	state("suspended")
	require.Zero(t, send(night.Add(12*time.Hour)), "nobody hears from a suspended workspace")
	state("active")
	require.Equal(t, 4, send(night.Add(12*time.Hour)))
}
