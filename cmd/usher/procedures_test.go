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
	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/intake"
)

// A procedure begins by an intent, asks, goes on in another process, ends with a
// ticket that holds what was collected, and leaves the same decisions each time.
func TestAProcedureRunsInConversations(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	at := time.Now()
	open := func() *application {
		a, err := build(t.Context(), config{AppURL: db.RoleURL(t, migrations.AppRole), WorkerURL: db.RoleURL(t, migrations.WorkerRole), PublicURL: "http://localhost", Engine: "builtin", Roles: []string{"api"}}, slog.New(slog.DiscardHandler))
		require.NoError(t, err)
		t.Cleanup(a.close)
		return reads(a, at)
	}
	first := open()
	require.NoError(t, first.loadDemo(t.Context()))
	require.NoError(t, first.engine.Refresh(t.Context()))
	second := open()
	require.NoError(t, second.engine.Refresh(t.Context()))
	shop := demoTenants[0]
	actor := func(person int) triage.Actor {
		p := shop.People[person]
		return triage.Actor{Kind: triage.ActorCustomer, TenantID: shop.ID, ID: p.ID, Name: p.Name, Roles: p.Roles, Locale: "en"}
	}
	start := func(a *application, person int, text string) (uuid.UUID, decided) {
		c, m, err := a.intake.Start(t.Context(), actor(person), intake.Start{Channel: triage.ChannelChat, Text: text, Locale: "en"})
		require.NoError(t, err)
		require.NoError(t, a.assistant.Run(t.Context(), intake.ProcessArgs{TenantID: shop.ID, MessageID: m.ID}))
		return c.ID, decision(t.Context(), t, db, shop.ID, m.ID)
	}
	say := func(a *application, conversation uuid.UUID, text string) decided {
		m, err := a.intake.Post(t.Context(), actor(0), conversation, intake.Post{Text: text})
		require.NoError(t, err)
		for range 2 { // a retry after a crash changes nothing
			require.NoError(t, a.assistant.Run(t.Context(), intake.ProcessArgs{TenantID: shop.ID, MessageID: m.ID}))
		}
		return decision(t.Context(), t, db, shop.ID, m.ID)
	}
	states := func(conversation uuid.UUID) (all []string) {
		require.NoError(t, db.Worker.WithTenant(t.Context(), shop.ID, func(tx pgx.Tx) error {
			rows, err := tx.Query(t.Context(), `select state from procedure_runs where tenant_id = $1 and conversation_id = $2 order by started_at`, shop.ID, conversation)
			if err != nil {
				return err
			}
			all, err = pgx.CollectRows(rows, pgx.RowTo[string])
			return err
		}))
		return all
	}
	const begin = "Please move our go-live date to a later day"

	way := func(one, two *application) (all []decided, conversation uuid.UUID) {
		conversation, d := start(one, 0, begin)
		all = append(all, d)
		for i, text := range []string{"hmm, not sure", "20 December 2030", "Another reason"} {
			all = append(all, say([]*application{two, one, two}[i], conversation, text))
		}
		return all, conversation
	}
	ran, conversation := way(first, second)
	require.Equal(t, "procedure", ran[0].Route)
	require.Equal(t, "known_state", ran[0].Evidence)
	require.Contains(t, ran[0].Versions, `"procedure": "go_live_date@1"`)
	require.Contains(t, ran[0].Gate, `"step": "which_day"`)
	require.Contains(t, ran[0].Reply, "Which day would suit you instead?")
	require.Contains(t, ran[1].Reply, "I couldn't read that as a day")
	require.Contains(t, ran[2].Reply, "What is the reason?")
	require.Contains(t, ran[3].Reply, "I've noted 20 December 2030")
	require.Contains(t, ran[3].Reply, "ticket #n")
	require.Equal(t, "escalated", ran[3].Outcome)
	require.Equal(t, []string{"handed_over"}, states(conversation))
	require.NoError(t, db.Worker.WithTenant(t.Context(), shop.ID, func(tx pgx.Tx) error {
		var team, summary string
		var replies int
		if err := tx.QueryRow(t.Context(), `select t.team, e.summary, (select count(*) from messages where tenant_id = $1 and conversation_id = $2 and author_kind = 'assistant')
			from tickets t join escalations e on e.tenant_id = t.tenant_id and e.ticket_id = t.id where t.tenant_id = $1 and t.conversation_id = $2`, shop.ID, conversation).Scan(&team, &summary, &replies); err != nil {
			return err
		}
		require.Equal(t, "onboarding", team)
		require.Contains(t, summary, "asks: "+begin)
		require.Contains(t, summary, "Which day would suit you instead? 2030-12-20")
		require.Equal(t, 4, replies, "one reply to each message")
		return nil
	}))

	again, _ := way(second, first)
	for i := range ran {
		require.Equal(t, ran[i], again[i], "bit for bit, by whichever process")
	}

	// Who may not is told so; who wants a person gets one, and the run ends.
	_, d := start(first, 1, begin)
	require.Contains(t, d.Reply, "administrator or manager")
	conversation, _ = start(first, 0, begin)
	d = say(first, conversation, "I want to talk to a person")
	require.Equal(t, "escalate", d.Route)
	require.Equal(t, []string{"taken_over"}, states(conversation))
	conversation, _ = start(first, 0, begin)
	require.NoError(t, db.Worker.WithTenant(t.Context(), shop.ID, func(tx pgx.Tx) error {
		return triage.SetConversationState(t.Context(), tx, shop.ID, conversation, triage.ConversationWithPerson, "off")
	}))
	d = say(first, conversation, "20 December 2030")
	require.Equal(t, "ignore", d.Route, "a person is in charge")
	require.Equal(t, []string{"taken_over"}, states(conversation))
	conversation, _ = start(first, 0, begin)
	d = say(first, conversation, "cancel")
	require.Contains(t, d.Reply, "Nothing was changed")
	require.Equal(t, []string{"cancelled"}, states(conversation))
}
