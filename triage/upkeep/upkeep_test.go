package upkeep_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/migrations/dbtest"
	"github.com/usherdesk/usher/triage/eval"
	"github.com/usherdesk/usher/triage/taxonomy"
	"github.com/usherdesk/usher/triage/upkeep"
)

// noJobs: the tests work runs themselves.
type noJobs struct{}

func (noJobs) InsertTx(context.Context, pgx.Tx, river.JobArgs, *river.InsertOpts) (*rivertype.JobInsertResult, error) {
	return &rivertype.JobInsertResult{}, nil
}

type bench struct {
	*dbtest.Database
	engine  *taxonomy.Engine
	service *upkeep.Service
	staff   uuid.UUID
}

var words = map[string][]string{
	"widget": {"the widget has no colour", "put the widget on our page", "widget does not open", "move the widget left", "is there a dark widget", "hide the widget at night", "embed the widget", "widget is too small"},
	"refund": {"I want my money back", "please refund the amount", "refund for march", "when do I get the refund", "a refund is due", "refund the wrong amount", "money back please", "return the amount"},
	"colour": {"change the colour of the page", "the colour is wrong", "which colours can we choose", "our brand colour", "make it blue", "a green theme please", "theme colours", "set the colour scheme"},
}

func prepare(t *testing.T) bench {
	t.Helper()
	b := bench{Database: dbtest.New(t)}
	b.staff = b.Staff(t, "cleo@usher.test")
	b.system(t, func(tx pgx.Tx) error {
		for value, list := range words {
			v := taxonomy.Value{Dimension: taxonomy.Intent, Value: value, Description: value, Route: taxonomy.RouteAnswer, Enabled: true}
			if value == "refund" {
				v.Route, v.Team = taxonomy.RouteEscalate, "billing"
			}
			if _, err := taxonomy.Put(t.Context(), tx, v); err != nil {
				return err
			}
			for _, text := range list {
				if err := taxonomy.AddExample(t.Context(), tx, taxonomy.Example{Dimension: taxonomy.Intent, Value: value, Language: "en", Text: text, Source: "curator"}); err != nil {
					return err
				}
			}
		}
		return nil
	})
	b.engine = taxonomy.NewEngine(b.Worker.Pool(), nil)
	require.NoError(t, b.engine.Refresh(t.Context()))
	b.service = upkeep.New(upkeep.Config{DB: b.Worker, Jobs: noJobs{}, Engine: b.engine, Pipeline: func(e *taxonomy.Engine) eval.Pipeline {
		return eval.Pipeline{Answer: func(ctx context.Context, q eval.Question) (eval.Outcome, error) {
			c, err := e.Classify(ctx, taxonomy.Input{Text: q.Text})
			if c.Route == taxonomy.RouteEscalate {
				return eval.Outcome{Kind: "escalate"}, err
			}
			return eval.Outcome{Kind: "answer", Text: "about " + c.Intent}, err
		}}
	}})
	return b
}

func (b bench) system(t *testing.T, fn func(tx pgx.Tx) error) {
	t.Helper()
	require.NoError(t, b.Worker.WithSystem(t.Context(), "test", fn))
}

// said stores a customer's message with what was made of it.
func (b bench) said(t *testing.T, tenant uuid.UUID, text, intent, corrected string) {
	t.Helper()
	conversation, message := uuid.New(), uuid.New()
	b.system(t, func(tx pgx.Tx) error {
		b := &pgx.Batch{}
		b.Queue(`insert into conversations (tenant_id, id, channel) values ($1, $2, 'chat')`, tenant, conversation)
		b.Queue(`insert into messages (tenant_id, id, conversation_id, seq, author_kind, visibility, body) values ($1, $2, $3, 1, 'customer', 'customer', $4)`,
			tenant, message, conversation, text)
		b.Queue(`insert into classifications (tenant_id, id, message_id, conversation_id, intent, confidence, engine, engine_version, corrected_intent, corrected_at)
			values ($1, $2, $2, $3, $4, 0.9, 'builtin', 'x', nullif($5, ''), case when $5 <> '' then now() end)`, tenant, message, conversation, intent, corrected)
		b.Queue(`insert into decisions (tenant_id, id, message_id, conversation_id, route, outcome) values ($1, $2, $2, $3, 'answer', 'sent')`, tenant, message, conversation)
		if err := tx.SendBatch(t.Context(), b).Close(); err != nil {
			return err
		}
		if corrected == "" {
			return nil
		}
		return taxonomy.AddExample(t.Context(), tx, taxonomy.Example{Dimension: taxonomy.Intent, Value: corrected, Language: "en", Text: text, Source: "correction"})
	})
}

func (b bench) run(t *testing.T, r upkeep.Run) upkeep.Run {
	t.Helper()
	r.CreatedBy = &b.staff
	started, err := b.service.Start(t.Context(), r)
	require.NoError(t, err)
	_, err = b.service.Start(t.Context(), r)
	require.ErrorIs(t, err, upkeep.ErrBusy, "one at a time")
	require.NoError(t, b.service.Do(t.Context(), started.ID))
	require.NoError(t, b.service.Do(t.Context(), started.ID), "a retry after the end does nothing")
	done, err := b.service.Run(t.Context(), started.ID)
	require.NoError(t, err)
	return done
}

func (b bench) intent(t *testing.T, text string) string {
	t.Helper()
	c, err := b.engine.Classify(t.Context(), taxonomy.Input{Text: text})
	require.NoError(t, err)
	return c.Intent
}

func TestADraftIsShownPublishedAndTakenBack(t *testing.T) {
	t.Parallel()
	b := prepare(t)
	acme, globex := b.Tenant(t, "acme"), b.Tenant(t, "globex")
	b.said(t, acme, "please refund the amount of april, I am max@acme.test", "refund", "")
	b.said(t, acme, "embed the widget please", "widget", "widget")
	b.said(t, globex, "the colour of the page is wrong", "colour", "")
	require.NoError(t, b.engine.Refresh(t.Context()))
	_, err := b.service.Start(t.Context(), upkeep.Run{Act: upkeep.Preview})
	require.ErrorIs(t, err, upkeep.ErrEmpty)

	edit := func(e taxonomy.Edit) error {
		e.Dimension = taxonomy.Intent
		return b.service.Add(t.Context(), []taxonomy.Edit{e}, b.staff)
	}
	require.NoError(t, edit(taxonomy.Edit{Kind: taxonomy.EditRename, From: "widget", To: "chat_widget"}))
	require.NoError(t, edit(taxonomy.Edit{Kind: taxonomy.EditPut, Value: &taxonomy.Value{Value: "refund", Description: "refund", Route: taxonomy.RouteAnswer, Team: "money", Enabled: true}}))
	var bad *taxonomy.EditError
	require.ErrorAs(t, edit(taxonomy.Edit{Kind: taxonomy.EditRename, From: "widget", To: "again"}), &bad, "the draft has renamed it")
	require.Equal(t, "widget", b.intent(t, "put the widget on our page"), "a draft does not act")

	preview := b.run(t, upkeep.Run{Act: upkeep.Preview, AsTenant: &acme})
	require.Equal(t, "done", preview.State)
	r := preview.Report
	require.Equal(t, 2, r.Messages, "of the chosen tenant alone")
	require.Zero(t, r.Stay)
	found := map[string]upkeep.Move{}
	for _, m := range r.Moves {
		found[m.What+" "+m.From+" > "+m.To] = m
	}
	require.True(t, found["intent widget > chat_widget"].Asked)
	require.Equal(t, 1, found["route escalate > answer"].Count)
	require.Equal(t, 1, found["team billing > money"].Count)
	require.NotContains(t, strings.Join(found["route escalate > answer"].Examples, ""), "max@acme.test")
	require.Len(t, r.Questions, 2)
	kinds := map[string]string{}
	for _, q := range r.Questions {
		kinds[q.Kind] = q.Question
		require.NotContains(t, q.Question, "max@acme.test")
	}
	require.Contains(t, kinds["gains"], "refund the amount")
	require.Contains(t, kinds["changes"], "widget")
	require.Equal(t, taxonomy.Taught{Corrected: 1, Before: 1, After: 1}, r.Corrected, "the correction follows the new name")
	require.True(t, r.Training.Accepted)
	require.Equal(t, 3, b.run(t, upkeep.Run{Act: upkeep.Preview}).Report.Messages, "of all tenants")

	published := b.run(t, upkeep.Run{Act: upkeep.Publish})
	require.Equal(t, "done", published.State, published.Why)
	require.Equal(t, "chat_widget", b.intent(t, "put the widget on our page"))
	other := taxonomy.NewEngine(b.Worker.Pool(), nil)
	require.NoError(t, other.Start(t.Context()))
	require.NoError(t, other.Refresh(t.Context()))
	c, err := other.Classify(t.Context(), taxonomy.Input{Text: "put the widget on our page"})
	require.NoError(t, err)
	require.Equal(t, "chat_widget", c.Intent, "another process finds the models stored with it")
	draft, err := b.service.Draft(t.Context())
	require.NoError(t, err)
	require.Empty(t, draft.Steps, "the draft is used up")
	b.system(t, func(tx pgx.Tx) error {
		var corrected, said string
		require.NoError(t, tx.QueryRow(t.Context(), `select corrected_intent, intent from classifications where corrected_intent is not null`).Scan(&corrected, &said))
		require.Equal(t, [2]string{"chat_widget", "widget"}, [2]string{corrected, said}, "people's word follows, what the machine said stays")
		var body string
		require.NoError(t, tx.QueryRow(t.Context(), `select before::text from taxonomy_runs where before is not null`).Scan(&body))
		require.NotContains(t, body, "embed the widget please", "no customer's words are kept for the way back")
		return taxonomy.Seed(t.Context(), tx, taxonomy.Set{Values: []taxonomy.Value{{Dimension: taxonomy.Intent, Value: "widget", Route: taxonomy.RouteAnswer}}})
	})
	set, err := taxonomy.Load(t.Context(), b.Worker.Pool())
	require.NoError(t, err)
	require.Len(t, set.Values, 3, "the shipped name does not come back")

	back := b.run(t, upkeep.Run{Act: upkeep.Restore, Restores: &published.ID})
	require.Equal(t, "done", back.State, back.Why)
	require.Equal(t, "widget", b.intent(t, "put the widget on our page"))
	c, err = b.engine.Classify(t.Context(), taxonomy.Input{Text: "please refund the amount"})
	require.NoError(t, err)
	require.Equal(t, [2]string{"escalate", "billing"}, [2]string{c.Route, c.Team})
	_, err = b.service.Start(t.Context(), upkeep.Run{Act: upkeep.Restore, Restores: &preview.ID})
	require.ErrorIs(t, err, upkeep.ErrNoWay, "nothing to take back")
	b.system(t, func(tx pgx.Tx) error {
		var value string
		require.NoError(t, tx.QueryRow(t.Context(), `select value from taxonomy_examples where source = 'correction'`).Scan(&value))
		require.Equal(t, "widget", value, "what people taught is kept, under the old name")
		return nil
	})
	runs, err := b.service.Runs(t.Context())
	require.NoError(t, err)
	require.Len(t, runs, 3, "the last preview, the publication and the way back")
}

func TestAPublicationThatBreaksAKeptQuestionIsHeldBack(t *testing.T) {
	t.Parallel()
	b := prepare(t)
	b.system(t, func(tx pgx.Tx) error {
		_, err := eval.PutQuestion(t.Context(), tx, eval.Question{Text: "I want my money back", Role: "member", Locale: "en", Expect: "escalate"}, b.staff)
		return err
	})
	require.NoError(t, b.service.Add(t.Context(), []taxonomy.Edit{{
		Kind: taxonomy.EditPut, Dimension: taxonomy.Intent, Value: &taxonomy.Value{Value: "refund", Route: taxonomy.RouteAnswer, Enabled: true},
	}}, b.staff))
	require.Equal(t, []upkeep.KeptChange{{Question: "I want my money back", Passes: false, Why: "expected escalate, it was answer"}}, b.run(t, upkeep.Run{Act: upkeep.Preview}).Report.Kept)
	held := b.run(t, upkeep.Run{Act: upkeep.Publish})
	require.Equal(t, "refused", held.State)
	require.Contains(t, held.Why, "Nothing was changed")
	require.Len(t, held.Report.Kept, 1)
	c, err := b.engine.Classify(t.Context(), taxonomy.Input{Text: "I want my money back"})
	require.NoError(t, err)
	require.Equal(t, "escalate", c.Route)
	require.Equal(t, "done", b.run(t, upkeep.Run{Act: upkeep.Publish, Anyway: true}).State)
	c, err = b.engine.Classify(t.Context(), taxonomy.Input{Text: "I want my money back"})
	require.NoError(t, err)
	require.Equal(t, "answer", c.Route)
}

func TestSuggestionsComeFromQuestionsAndCorrections(t *testing.T) {
	t.Parallel()
	b := prepare(t)
	acme, globex := b.Tenant(t, "acme"), b.Tenant(t, "globex")
	topic := uuid.New()
	b.system(t, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `insert into topics (id, name, members) values ($1, 'parking, garage', 6)`, topic)
		return err
	})
	for i := range 6 {
		tenant, intent := acme, ""
		if i%2 == 0 {
			tenant = globex
		}
		if i == 5 {
			intent = "widget"
		}
		b.said(t, tenant, fmt.Sprintf("Where can I park number %d? I am max%d@acme.test", i, i), intent, "")
	}
	b.system(t, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `insert into topic_messages (tenant_id, message_id, conversation_id, topic_id, at)
			select tenant_id, message_id, conversation_id, $1, now() from decisions`, topic)
		return err
	})
	for i := range 3 {
		b.said(t, acme, fmt.Sprintf("make the refund blue %d", i), "refund", "colour")
	}
	require.NoError(t, b.service.Suggest(t.Context()))
	require.NoError(t, b.service.Suggest(t.Context()), "a second time makes nothing twice")
	list, err := b.service.Suggestions(t.Context())
	require.NoError(t, err)
	require.Len(t, list, 2)
	fresh, overlap := list[0], list[1]
	require.Equal(t, "question.parking_garage", fresh.Detail.Value)
	require.Equal(t, [3]int{6, 5, 2}, [3]int{fresh.Detail.Questions, fresh.Detail.Unfit, fresh.Detail.Tenants})
	require.Len(t, fresh.Examples, 3)
	require.NotContains(t, strings.Join(fresh.Examples, ""), "@acme.test")
	require.Equal(t, [2]string{"colour", "refund"}, [2]string{overlap.Detail.Value, overlap.Detail.Other})
	require.Equal(t, 3, overlap.Detail.Corrected)
	require.True(t, overlap.Merge)

	require.NoError(t, b.service.Settle(t.Context(), fresh.ID, true, "parking", "", b.staff))
	require.ErrorIs(t, b.service.Settle(t.Context(), fresh.ID, true, "", "", b.staff), upkeep.ErrSettled)
	require.NoError(t, b.service.Settle(t.Context(), overlap.ID, false, "", "", b.staff))
	draft, err := b.service.Draft(t.Context())
	require.NoError(t, err)
	require.Len(t, draft.Steps, 1)
	e := draft.Steps[0].Edit
	require.Equal(t, "parking", e.Value.Value)
	require.Equal(t, "Questions about parking, garage.", e.Value.Description)
	require.Len(t, e.Examples, 5)
	require.NotContains(t, strings.Join(e.Examples, ""), "@acme.test")

	require.NoError(t, b.service.Suggest(t.Context()))
	list, err = b.service.Suggestions(t.Context())
	require.NoError(t, err)
	require.Empty(t, list, "what is settled does not come back")

	// One that nobody settles expires after four weeks, and rests as long.
	move := func(state, by string) {
		b.system(t, func(tx pgx.Tx) error {
			_, err := tx.Exec(t.Context(), `update taxonomy_suggestions set state = $1, created_at = created_at - $2::interval, settled_at = settled_at - $2::interval where kind = 'overlap'`, state, by)
			return err
		})
	}
	move("open", "29 days")
	require.NoError(t, b.service.Suggest(t.Context()))
	list, err = b.service.Suggestions(t.Context())
	require.NoError(t, err)
	require.Empty(t, list)
	move("expired", "29 days")
	require.NoError(t, b.service.Suggest(t.Context()))
	list, err = b.service.Suggestions(t.Context())
	require.NoError(t, err)
	require.Len(t, list, 1, "the reason still stands")
}

func TestAValueNobodyNeedsIsSuggestedToGo(t *testing.T) {
	t.Parallel()
	b := prepare(t)
	acme := b.Tenant(t, "acme")
	b.said(t, acme, "embed the widget", "widget", "")
	b.said(t, acme, "make it blue", "colour", "")
	seen := func(n int) {
		b.system(t, func(tx pgx.Tx) error {
			_, err := tx.Exec(t.Context(), `with m as (insert into messages (tenant_id, id, conversation_id, seq, author_kind, visibility, body)
				  select tenant_id, gen_random_uuid(), conversation_id, 100 + n, 'customer', 'customer', 'x' from (select * from messages limit 1) one, generate_series(1, $1) n returning *)
				insert into classifications (tenant_id, id, message_id, conversation_id, intent, confidence, engine, engine_version, created_at)
				select tenant_id, id, id, conversation_id, 'widget', 1, 'builtin', 'x', now() - interval '40 days' from m`, n)
			return err
		})
	}
	seen(100)
	require.NoError(t, b.service.Suggest(t.Context()))
	list, err := b.service.Suggestions(t.Context())
	require.NoError(t, err)
	require.Empty(t, list, "too few messages to say so")
	seen(100)
	require.NoError(t, b.service.Suggest(t.Context()))
	list, err = b.service.Suggestions(t.Context())
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.Equal(t, [2]string{"unused", "refund"}, [2]string{list[0].Kind, list[0].Detail.Value})
	require.NoError(t, b.service.Settle(t.Context(), list[0].ID, true, "", "", b.staff))
	draft, err := b.service.Draft(t.Context())
	require.NoError(t, err)
	require.False(t, draft.Steps[0].Edit.Value.Enabled)
	require.Equal(t, "billing", draft.Steps[0].Edit.Value.Team, "nothing else of it changes")
}
