package main

import (
	"log/slog"
	"net/http"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/migrations"
	"github.com/usherdesk/usher/migrations/dbtest"
	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/action"
	"github.com/usherdesk/usher/triage/action/actiontest"
	"github.com/usherdesk/usher/triage/intake"
	"github.com/usherdesk/usher/triage/procedure"
)

// A customer's answers in the chat become a proposal, an agent approves it, the
// other system gets exactly that, and the customer reads what came of it.
func TestAProcedureProposesAndAPersonApproves(t *testing.T) { //nolint:paralleltest // it sets the environment
	t.Setenv("USHER_SOURCE_NETWORKS", "127.0.0.0/8")
	db := dbtest.New(t)
	a, err := build(t.Context(), config{AppURL: db.RoleURL(t, migrations.AppRole), WorkerURL: db.RoleURL(t, migrations.WorkerRole), PublicURL: "http://localhost", Engine: "builtin", Roles: []string{"api"}}, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(a.close)
	require.NoError(t, a.loadDemo(t.Context()))
	require.NoError(t, a.engine.Refresh(t.Context()))
	server := actiontest.New(t)
	definition, err := action.Parse([]byte(`
key: wish_go_live
title: Note a wished go-live date
words: {en: "Wish for {date}", de: "Wunschtermin {date}"}
done: {en: "Your wish for {date} is noted.", de: "Ihr Wunschtermin {date} ist notiert."}
method: PUT
base_url: ` + server.URL + `
path: /wishes/{tenant}
parameters: [{name: date, label: Date, kind: date}]
body: {date: "{date}", by: "{contact_email}"}
`))
	require.NoError(t, err)
	p, err := procedure.Parse([]byte(`
key: go_live_date
title: Move the go-live date
intent: change_request.schedule
steps:
  - id: day
    ask: {as: date, kind: date, question: {en: Which day?, de: Welcher Tag?}}
  - id: wish
    propose: {action: wish_go_live, with: {date: answer.date}}
`))
	require.NoError(t, err)
	require.NoError(t, a.worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) error {
		if _, err := action.Put(t.Context(), tx, definition, nil); err != nil {
			return err
		}
		if err := action.CheckProcedure(t.Context(), tx, p); err != nil {
			return err
		}
		if _, err := procedure.SaveDraft(t.Context(), tx, p); err != nil {
			return err
		}
		_, err := procedure.Publish(t.Context(), tx, p.Key)
		return err
	}))
	shop := demoTenants[0]
	who := triage.Actor{Kind: triage.ActorCustomer, TenantID: shop.ID, ID: shop.People[0].ID, Name: shop.People[0].Name, Roles: shop.People[0].Roles, Locale: "en"}
	talk := func() (triage.Conversation, decided) {
		c, m, err := a.intake.Start(t.Context(), who, intake.Start{Channel: triage.ChannelChat, Text: "Please move our go-live date to a later day", Locale: "en"})
		require.NoError(t, err)
		require.NoError(t, a.assistant.Run(t.Context(), intake.ProcessArgs{TenantID: shop.ID, MessageID: m.ID}))
		require.Equal(t, "procedure", decision(t.Context(), t, db, shop.ID, m.ID).Route)
		m, err = a.intake.Post(t.Context(), who, c.ID, intake.Post{Text: "20 December 2030"})
		require.NoError(t, err)
		for range 2 { // a retry after a crash proposes nothing more
			require.NoError(t, a.assistant.Run(t.Context(), intake.ProcessArgs{TenantID: shop.ID, MessageID: m.ID}))
		}
		return c, decision(t.Context(), t, db, shop.ID, m.ID)
	}
	waiting := func() (list []action.Proposal) {
		require.NoError(t, a.worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) (err error) {
			list, err = action.Open(t.Context(), tx, false)
			return err
		}))
		return list
	}

	_, off := talk()
	require.Equal(t, "escalated", off.Outcome, "it is switched off: people do it by hand")
	require.NotContains(t, off.Reply, "Wish for")
	require.Empty(t, waiting())

	require.NoError(t, a.worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) error { return action.Switch(t.Context(), tx, "wish_go_live", true) }))
	c, d := talk()
	require.Contains(t, d.Reply, "I've prepared this for you: Wish for 20 December 2030. A person checks it first; nothing has been changed yet.")
	require.Contains(t, d.Reply, "ticket #n")
	list := waiting()
	require.Len(t, list, 1)
	require.Equal(t, c.ID, list[0].ConversationID)
	require.Empty(t, server.Arrived())
	agent := triage.Actor{Kind: triage.ActorStaff, ID: demoAgents[0].ID}
	_, err = a.actions.Decide(t.Context(), agent, shop.ID, list[0].ID, action.Decision{Approve: true})
	require.NoError(t, err)
	_, err = a.actions.Run(t.Context(), shop.ID, list[0].ID)
	require.NoError(t, err)
	require.Equal(t, []actiontest.Arrived{{
		Method: http.MethodPut, Path: "/wishes/" + shop.ID.String(), Key: list[0].ID.String(), Body: "{\n  \"by\": \"" + shop.People[0].Email + "\",\n  \"date\": \"2030-12-20\"\n}",
	}}, server.Arrived())
	messages, err := a.intake.Messages(t.Context(), who, c.ID, 0, 100)
	require.NoError(t, err)
	require.Equal(t, "Your wish for 20 December 2030 is noted.", messages[len(messages)-1].Body)
	require.Empty(t, waiting())
}
