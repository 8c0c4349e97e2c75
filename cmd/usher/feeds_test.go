package main

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/migrations"
	"github.com/usherdesk/usher/migrations/dbtest"
	"github.com/usherdesk/usher/portal/onboarding"
	"github.com/usherdesk/usher/portal/onboarding/feed"
	"github.com/usherdesk/usher/portal/onboarding/notice"
	"github.com/usherdesk/usher/portal/onboarding/rule"
	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/assistant"
)

// A failing integration opens one ticket by itself, the next answer quotes it to
// every colleague, the customer is told, and recovery is noted.
func TestAFailingIntegrationOpensATicketThatAnswersQuote(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	a, err := build(t.Context(), config{AppURL: db.RoleURL(t, migrations.AppRole), WorkerURL: db.RoleURL(t, migrations.WorkerRole), PublicURL: "http://localhost", Engine: "builtin", Roles: []string{"api"}}, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(a.close)
	tenant := db.Tenant(t, "acme")
	admin, member := db.User(t, tenant, "ana@acme.test", "admin"), db.User(t, tenant, "bo@acme.test")
	require.NoError(t, a.seedOnboardingRules(t.Context()))
	people := []onboarding.DemoPerson{{ID: admin, Name: "Ana"}, {ID: member, Name: "Bo"}, {ID: db.User(t, tenant, "cy@acme.test"), Name: "Cy"}}
	now := time.Now()
	var salesforce uuid.UUID
	require.NoError(t, a.worker.WithTenant(t.Context(), tenant, func(tx pgx.Tx) error {
		if err := onboarding.SeedDemo(t.Context(), tx, tenant, "integration", people, now); err != nil {
			return err
		}
		return tx.QueryRow(t.Context(), `select id from integrations where tenant_id = $1 and connector = 'Salesforce'`, tenant).Scan(&salesforce)
	}))
	f := &feed.Feed{Rules: &rule.Engine{Do: notice.Do(func() time.Time { return now }, a.react)}}
	apply := func(sync string, at time.Time) {
		require.NoError(t, a.worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) error {
			_, err := f.Integration(t.Context(), tx, tenant, feed.Integration{ID: salesforce, At: at, SyncState: sync, ErrorClass: "auth_expired", Message: "The token has expired."})
			return err
		}))
	}
	apply("failing", now.Add(time.Second))
	apply("failing", now.Add(2*time.Second))
	var number int64
	require.NoError(t, a.worker.WithTenant(t.Context(), tenant, func(tx pgx.Tx) error {
		return tx.QueryRow(t.Context(), `select number from tickets where tenant_id = $1 and origin = 'integration_error' and dedup_key = $2`, tenant, feed.TicketKey(salesforce, "auth_expired")).Scan(&number)
	}))

	reply, err := a.status.Resolve(t.Context(), assistant.StatusRequest{
		Asker: triage.Actor{Kind: triage.ActorCustomer, TenantID: tenant, ID: member, Roles: []string{"member"}},
		Asked: []assistant.Asked{{Intent: "integration.error_followup", Text: "Salesforce shows an error, are you on it?"}}, Language: "en",
	})
	require.NoError(t, err)
	require.Contains(t, reply.Text, "The token has expired.")
	require.Contains(t, reply.Text, fmt.Sprintf("#%d", number))
	require.Empty(t, reply.Escalate, "there is a ticket")

	require.Equal(t, 1, a.sendNotices(t, now.Add(24*time.Hour)))
	var told string
	require.NoError(t, a.app.WithTenant(t.Context(), tenant, func(tx pgx.Tx) error {
		return tx.QueryRow(t.Context(), `select m.body from messages m join conversations c on c.tenant_id = m.tenant_id and c.id = m.conversation_id
			where m.tenant_id = $1 and c.user_id = $2 and m.visibility = 'customer'`, tenant, admin).Scan(&told)
	}))
	require.Contains(t, told, "Salesforce")

	apply("ok", now.Add(time.Minute))
	apply("ok", now.Add(2*time.Minute))
	var noted int
	var internal, witness string
	require.NoError(t, a.worker.WithTenant(t.Context(), tenant, func(tx pgx.Tx) error {
		if err := tx.QueryRow(t.Context(), `select internal_state from tickets where tenant_id = $1 and number = $2`, tenant, number).Scan(&internal); err != nil {
			return err
		}
		if err := tx.QueryRow(t.Context(), `select detail->>'witness' from ticket_events where tenant_id = $1 and kind = 'resolved'`, tenant).Scan(&witness); err != nil {
			return err
		}
		return tx.QueryRow(t.Context(), `select count(*) from messages where tenant_id = $1 and visibility = 'internal' and body like '%works again%'`, tenant).Scan(&noted)
	}))
	require.Equal(t, 1, noted)
	require.Equal(t, "solved linked_work", internal+" "+witness, "nobody had taken it: the linked work is its witness")
	reply, err = a.status.Resolve(t.Context(), assistant.StatusRequest{
		Asker: triage.Actor{Kind: triage.ActorCustomer, TenantID: tenant, ID: member, Roles: []string{"member"}},
		Asked: []assistant.Asked{{Intent: "integration.connection_status", Text: "Is Salesforce connected?"}}, Language: "en",
	})
	require.NoError(t, err)
	require.NotContains(t, reply.Text, fmt.Sprintf("#%d", number), "the next answer does not quote a ticket that is settled")
}
