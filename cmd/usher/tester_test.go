package main

import (
	"log/slog"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/knowledge"
	"github.com/usherdesk/usher/migrations"
	"github.com/usherdesk/usher/migrations/dbtest"
	"github.com/usherdesk/usher/portal/api"
	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/eval"
	"github.com/usherdesk/usher/triage/intake"
)

// A curator who tries a question sees what a customer would get, whatever part of
// the assistant decides it; so do kept questions and replays.
func TestATriedQuestionGetsWhatACustomerGets(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	a, err := build(t.Context(), config{AppURL: db.RoleURL(t, migrations.AppRole), WorkerURL: db.RoleURL(t, migrations.WorkerRole), PublicURL: "http://localhost", Engine: "builtin", Roles: []string{"api"}}, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(a.close)
	require.NoError(t, a.loadDemo(t.Context()))
	require.NoError(t, a.engine.Refresh(t.Context()))
	type person struct{ tenant, id uuid.UUID }
	someone := func(email string) (p person) {
		require.NoError(t, a.worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) error {
			return tx.QueryRow(t.Context(), `select tenant_id, id from users where email_normalized = $1`, email).Scan(&p.tenant, &p.id)
		}))
		return p
	}
	ana, grace := someone("ana.keller@acme-logistics.example"), someone("grace.osei@globex-fintech.example")
	try := func(in api.TestQuestion) api.TestRun {
		run, err := a.tester().Test(t.Context(), in)
		require.NoError(t, err)
		return run
	}
	said := func(s *string) string {
		if s == nil {
			return ""
		}
		return *s
	}
	for name, c := range map[string]struct {
		before        []string
		text          string
		kind, outcome string
		says          string
	}{
		"an article answers":            {nil, "How do I invite a colleague?", "answer", "send", "olleague"},
		"the record answers":            {nil, "When do we go live?", "status", "send", "o-live"},
		"what goes on":                  {[]string{"Is the Salesforce integration connected?"}, "and Okta?", "status", "send", "Single sign-on"},
		"two at once":                   {nil, "When do we go live? How do I invite a colleague?", "status", "send", "olleague"},
		"nothing answers":               {nil, "Who wrote the Odyssey?", "not_found", "not_found", "reliable answer"},
		"a person is wanted":            {nil, "I want to talk to a person", "escalate", "escalated", ""},
		"abuse":                         {nil, "You are all idiots and I will come and hurt you", "escalate", "escalated", ""},
		"thanks":                        {nil, "Thank you!", "acknowledge", "send", "welcome"},
		"thanks after thanks":           {[]string{"Thank you!"}, "Thanks again", "", "ignored", ""},
		"nothing at all":                {nil, "?", "clarify", "clarify", "know"},
		"a question word goes on":       {[]string{"How do I invite a colleague?"}, "How?", "", "", ""},
		"another organisation's record": {nil, "When does Globex Fintech go live?", "status", "send", "only"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run := try(api.TestQuestion{Question: c.text, TenantID: &ana.tenant, UserID: &ana.id, Before: &c.before})

			// The same by the live assistant.
			who := triage.Actor{Kind: triage.ActorCustomer, TenantID: ana.tenant, ID: ana.id, Name: "Ana", Roles: []string{"admin"}, Locale: "en"}
			conversation, _, err := a.intake.Start(t.Context(), who, intake.Start{Channel: triage.ChannelChat, Locale: "en"})
			require.NoError(t, err)
			var reply triage.Message
			for _, text := range append(c.before, c.text) {
				m, err := a.intake.Post(t.Context(), who, conversation.ID, intake.Post{Text: text})
				require.NoError(t, err)
				require.NoError(t, a.assistant.Run(t.Context(), intake.ProcessArgs{TenantID: ana.tenant, MessageID: m.ID}))
				all, err := a.intake.Messages(t.Context(), who, conversation.ID, 0, 100)
				require.NoError(t, err)
				reply = all[len(all)-1]
			}
			live, kind := "", ""
			if reply.AuthorKind == triage.AuthorAssistant {
				live, kind = reply.Body, reply.Answer.Kind
			}
			require.Equal(t, kind, said(run.Kind))
			if kind != "escalate" { // there the ticket's number is said, and nothing has one here
				require.Equal(t, live, said(run.Answer))
			}
			if c.outcome != "" {
				require.Equal(t, c.kind, said(run.Kind))
				require.Equal(t, c.outcome, run.Outcome)
				require.Contains(t, said(run.Answer), c.says)
			}
			if len(c.before) > 0 {
				require.Len(t, *run.Earlier, 2*len(c.before))
			}
		})
	}

	t.Run("as a person, with what they may see", func(t *testing.T) {
		t.Parallel()
		_, err := a.tester().Test(t.Context(), api.TestQuestion{Question: "When do we go live?", TenantID: &ana.tenant, UserID: &grace.id})
		require.ErrorIs(t, err, knowledge.ErrNotFound, "somebody of another organisation")
		_, err = a.tester().Test(t.Context(), api.TestQuestion{Question: "When do we go live?", TenantID: &ana.tenant, UserID: &ana.tenant})
		require.ErrorIs(t, err, knowledge.ErrNotFound)
	})
	t.Run("signed out, by articles alone, and no draft that would not leave", func(t *testing.T) {
		t.Parallel()
		run := try(api.TestQuestion{Question: "How do I invite a colleague?"})
		require.Equal(t, "answer", said(run.Kind))
		run = try(api.TestQuestion{Question: "Where is the purple elephant of the warehouse?"})
		require.Equal(t, "not_found", run.Outcome)
		require.Empty(t, said(run.Answer))
	})
	t.Run("past questions are asked again as by whom and after what", func(t *testing.T) {
		bo := person{tenant: grace.tenant, id: grace.id}
		who := triage.Actor{Kind: triage.ActorCustomer, TenantID: bo.tenant, ID: bo.id, Name: "Grace", Roles: []string{"admin"}, Locale: "en"}
		conversation, _, err := a.intake.Start(t.Context(), who, intake.Start{Channel: triage.ChannelChat, Locale: "en"})
		require.NoError(t, err)
		for _, text := range []string{"How is our KYC check going?", "since when?"} {
			m, err := a.intake.Post(t.Context(), who, conversation.ID, intake.Post{Text: text})
			require.NoError(t, err)
			require.NoError(t, a.assistant.Run(t.Context(), intake.ProcessArgs{TenantID: bo.tenant, MessageID: m.ID}))
		}
		var past []eval.Question
		require.NoError(t, a.worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) (err error) {
			past, err = eval.Past(t.Context(), tx, &bo.tenant, 10, 0)
			return err
		}))
		require.Len(t, past, 2)
		require.Equal(t, "since when?", past[0].Text)
		require.Equal(t, []string{"How is our KYC check going?"}, past[0].Before)
		require.Equal(t, bo.id, *past[0].UserID)
		results, err := eval.Ask(t.Context(), past, api.Pipeline(a.tester(), nil, nil))
		require.NoError(t, err)
		for _, r := range results {
			require.Equal(t, "status", r.Outcome.Kind, "%+v", r)
		}
	})
}
