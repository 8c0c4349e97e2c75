package main

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/migrations/dbtest"
	"github.com/usherdesk/usher/portal/onboarding"
	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/assistant"
)

// What is read for a question is enough for what it may be about: a blocked
// connection, and what waits for a customer beside tasks.
func TestWhatIsReadForAQuestionIsEnough(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	tenant := db.Tenant(t, "acme")
	var people []onboarding.DemoPerson
	for _, name := range []string{"ana", "bo", "cy"} {
		people = append(people, onboarding.DemoPerson{ID: db.User(t, tenant, name+"@acme.test"), Name: name})
	}
	require.NoError(t, db.Worker.WithTenant(t.Context(), tenant, func(tx pgx.Tx) error {
		return onboarding.SeedDemo(t.Context(), tx, tenant, "integration", people, time.Now())
	}))
	l := newLive(db.App, nil)
	ask := func(intent, text string) assistant.StatusReply {
		reply, err := l.Resolve(t.Context(), assistant.StatusRequest{
			Asker: triage.Actor{Kind: triage.ActorCustomer, TenantID: tenant, ID: people[1].ID, Roles: []string{"member"}},
			Asked: []assistant.Asked{{Intent: intent, Text: text}}, Language: "en",
		})
		require.NoError(t, err)
		return reply
	}
	require.Contains(t, ask("tasks.blockers", "What blocks our Salesforce integration?").Text, "**Salesforce** (production): connected")
	next := ask("tasks.customer_next_actions", "What do you need from us?")
	require.Contains(t, next.Text, "[Data processing agreement](/documents#signatures)")
	require.Contains(t, next.Text, "[Transport management system](/onboarding#integrations)")
	require.Equal(t, "customer", next.Turn)
	require.WithinDuration(t, time.Now(), ask("document.received", "Did you get the proof of address?").AsOf, time.Minute, "an upload is as of the reading")
}
