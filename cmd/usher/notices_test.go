package main

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/integrations/slack"
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
	send := func(at time.Time) int { return a.sendNotices(t, at) }
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

// sendNotices runs the job that delivers what is due, and counts what was.
func (a *application) sendNotices(t *testing.T, at time.Time) (n int) {
	t.Helper()
	sender := &notice.Sender{DB: a.worker, Now: func() time.Time { return at }, Deliver: func(ctx context.Context, tx pgx.Tx, m notice.Message) error {
		err := a.tell(ctx, tx, m)
		if err == nil {
			n++
		}
		return err
	}}
	require.NoError(t, sender.Work(t.Context(), nil))
	return n
}

// A rule may tell the manager of anything that happens, not of the project alone:
// the notice is about the tenant's current project, and the event goes on.
func TestTheManagerCanBeToldOfAnything(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	a, err := build(t.Context(), config{AppURL: db.RoleURL(t, migrations.AppRole), WorkerURL: db.RoleURL(t, migrations.WorkerRole), PublicURL: "http://localhost", Engine: "builtin", Roles: []string{"api"}}, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(a.close)
	a.notices = &slack.Notices{DB: a.worker, Jobs: a.jobs}
	tenant, none := db.Tenant(t, "acme"), db.Tenant(t, "globex")
	require.NoError(t, a.worker.WithTenant(t.Context(), tenant, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `insert into projects (tenant_id, id, name, start_date, owner_name, owner_contact) values ($1, $2, 'Rollout', '2026-10-01', 'Olga', 'olga@usher.test')`, tenant, uuid.New())
		return err
	}))
	fields := map[string]string{"name": "SAP", "environment": "production", "message": "The token has expired.", "date": "2026-11-20", "signer": "Ana", "to": "at_risk", "from": "on_track", "days": "8", "tasks": "2", "task": "Sign", "state": "completed"}
	for _, kind := range rule.Kinds {
		for _, whose := range []uuid.UUID{tenant, none} {
			require.NoError(t, a.worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) error {
				return a.react(t.Context(), tx, rule.Fired{Rule: "r_" + kind, Action: rule.Action{Kind: rule.TellOwner}, Event: rule.Event{
					TenantID: whose, Kind: kind, Subject: kind, Entity: "thing", EntityID: uuid.New(), Fields: fields,
				}})
			}), kind)
		}
	}
	var texts []string
	require.NoError(t, a.worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) error {
		rows, err := tx.Query(t.Context(), `select payload->>'text' from deliveries where payload->>'name' = 'Olga' order by 1`)
		if err != nil {
			return err
		}
		texts, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	}))
	require.Len(t, texts, len(rule.Kinds))
	require.Contains(t, texts, "Tenant acme: SAP (production) is failing in “Rollout”. The token has expired.")
	for _, text := range texts {
		require.Contains(t, text, "Tenant acme: ")
		require.Contains(t, text, "“Rollout”")
		require.NotContains(t, text, "needs a look", "each kind has its words")
	}
}
