package main

import (
	"io"
	"log/slog"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/integrations/email"
	"github.com/usherdesk/usher/integrations/slack"
	"github.com/usherdesk/usher/migrations"
	"github.com/usherdesk/usher/migrations/dbtest"
	"github.com/usherdesk/usher/triage/desk"
)

// Staff whom Slack does not know are told by mail, and the channel reads it only
// where no mail is sent.
func TestStaffAreToldWhereTheyAre(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	a, err := build(t.Context(), config{
		AppURL: db.RoleURL(t, migrations.AppRole), WorkerURL: db.RoleURL(t, migrations.WorkerRole), PublicURL: "http://localhost", Engine: "builtin", Roles: []string{"api"},
		Mail: mailConfig{From: "help@usher.test", SMTPAddr: "127.0.0.1:1"}, Secret: "a secret that is long enough for everything",
	}, slog.New(slog.NewTextHandler(io.Discard, nil)))
	require.NoError(t, err)
	t.Cleanup(a.close)
	require.NotNil(t, a.desk.Tell)
	tenant := db.Tenant(t, "acme")
	db.Staff(t, "ina@usher.test", "lead")
	mail, channel := a.mail, &slack.Notices{DB: a.worker, Jobs: a.jobs}
	for i, test := range []struct {
		to    string
		slack *slack.Notices
		mail  *email.Service
		want  string
	}{
		{"ina@usher.test", nil, mail, "email"},
		{"ina@usher.test", channel, mail, "email"},
		{"ina@usher.test", channel, nil, "slack"},
		{"ina@usher.test", nil, nil, ""},
	} {
		a.notices, a.mail = test.slack, test.mail
		key := string(rune('a' + i))
		var went string
		require.NoError(t, a.worker.WithTenant(t.Context(), tenant, func(tx pgx.Tx) error {
			if err := a.desk.Tell(t.Context(), tx, desk.Word{TenantID: tenant, Key: key, Email: test.to, Subject: "s", Text: "t"}); err != nil {
				return err
			}
			return tx.QueryRow(t.Context(), `select coalesce((select destination from deliveries where subject_key = $1 and kind = 'notice'), '')`, key).Scan(&went)
		}))
		require.Equal(t, test.want, went, "%d", i)
	}
	a.mail = mail
}
