package eval_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/migrations/dbtest"
	"github.com/usherdesk/usher/triage/assistant"
	"github.com/usherdesk/usher/triage/eval"
	"github.com/usherdesk/usher/triage/rehearsal"
)

func TestGrade(t *testing.T) {
	t.Parallel()
	q := eval.Question{Expect: "answer", Article: "sign-in", Contains: []string{"Link"}, Lacks: []string{"password"}}
	good := eval.Outcome{Kind: "answer", Text: "Open the link.", Articles: []string{"sign-in"}}
	for name, c := range map[string]struct {
		change func(o *eval.Outcome)
		why    string
	}{
		"as expected":              {func(*eval.Outcome) {}, ""},
		"another outcome":          {func(o *eval.Outcome) { o.Kind = "not_found" }, "expected answer, it was not_found"},
		"another article":          {func(o *eval.Outcome) { o.Articles = []string{"roles"} }, "does not cite sign-in but roles"},
		"without what it must say": {func(o *eval.Outcome) { o.Text = "Open it." }, "does not say “Link”"},
		"with what it must not":    {func(o *eval.Outcome) { o.Text = "Open the link with your Password." }, "says “password”"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := good
			c.change(&o)
			passed, why := q.Grade(o)
			require.Equal(t, c.why == "", passed)
			require.Equal(t, c.why, why)
		})
	}
}

func TestKeptQuestionsRememberTheirLastRun(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	in := func(fn func(tx pgx.Tx) error) { require.NoError(t, db.Worker.WithSystem(t.Context(), "test", fn)) }
	var first eval.Question
	in(func(tx pgx.Tx) (err error) {
		first, err = eval.PutQuestion(t.Context(), tx, eval.Question{Text: "How do I sign in?", Role: "member", Locale: "en", Expect: "answer"}, uuid.New())
		return err
	})
	for _, bad := range []eval.Question{
		{Text: "", Role: "member", Expect: "answer"}, {Text: "x", Role: "king", Expect: "answer"}, {Text: "x", Role: "member", Expect: "applause"},
		{Text: "x", Role: "member", Expect: "answer", TenantID: new(uuid.New())},
	} {
		require.ErrorIs(t, db.Worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) error {
			_, err := eval.PutQuestion(t.Context(), tx, bad, uuid.Nil)
			return err
		}), eval.ErrBadQuestion)
	}
	require.ErrorIs(t, db.Worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) error {
		_, err := eval.PutQuestion(t.Context(), tx, eval.Question{ID: uuid.New(), Text: "x", Role: "member", Expect: "answer"}, uuid.Nil)
		return err
	}), eval.ErrQuestionNotFound, "an id nobody gave out")

	kind := "answer"
	pipeline := eval.Pipeline{Answer: func(context.Context, eval.Question) (eval.Outcome, error) { return eval.Outcome{Kind: kind}, nil }}
	run := func() eval.Result {
		var results []eval.Result
		in(func(tx pgx.Tx) error {
			questions, err := eval.Questions(t.Context(), tx)
			if err != nil {
				return err
			}
			before, err := eval.LastResults(t.Context(), tx)
			if err != nil {
				return err
			}
			if results, err = eval.Ask(t.Context(), questions, pipeline); err != nil {
				return err
			}
			eval.Against(results, before)
			return eval.SaveRun(t.Context(), tx, "by hand", results, time.Now())
		})
		require.Len(t, results, 1)
		require.Equal(t, first.ID, results[0].Question.ID)
		return results[0]
	}
	r := run()
	require.True(t, r.Passed)
	require.False(t, r.Changed, "nothing to compare with")
	kind = "not_found"
	r = run()
	require.False(t, r.Passed)
	require.True(t, r.Changed)
	require.False(t, run().Changed)
	in(func(tx pgx.Tx) error { return eval.DeleteQuestion(t.Context(), tx, first.ID) })
	require.ErrorIs(t, db.Worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) error { return eval.DeleteQuestion(t.Context(), tx, first.ID) }), eval.ErrQuestionNotFound)
}

// helper answers everything the same way.
type helper struct{ says assistant.Said }

func (h helper) Say(context.Context, string) (assistant.Said, error) { return h.says, nil }

func TestAKeptCustomerTalksBesideTheQuestions(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	tenant := db.Tenant(t, "acme")
	in := func(fn func(tx pgx.Tx) error) error { return db.Worker.WithSystem(t.Context(), "test", fn) }
	put := func(q eval.Question) (out eval.Question, err error) {
		err = in(func(tx pgx.Tx) error {
			out, err = eval.PutQuestion(t.Context(), tx, q, uuid.New())
			return err
		})
		return out, err
	}
	customer := eval.Question{
		Text: "Move it", TenantID: &tenant, Role: "admin", Locale: "de-AT", Expect: eval.ExpectTalk,
		Customer: &rehearsal.Scenario{Name: "Moves it", Then: []string{"Now"}, Patience: 1, Expect: rehearsal.Expect{Outcomes: []string{"person"}}},
	}
	_, err := put(eval.Question{Text: "Where is it?", Role: "member", Locale: "en", Expect: "answer"})
	require.NoError(t, err)
	kept, err := put(customer)
	require.NoError(t, err)
	for _, change := range []func(*eval.Question){
		func(q *eval.Question) { q.Expect = "answer" }, func(q *eval.Question) { q.TenantID = nil }, func(q *eval.Question) { q.Locale = "it" },
		func(q *eval.Question) { q.Customer = nil }, func(q *eval.Question) { q.Customer = &rehearsal.Scenario{Name: "Nothing"} },
	} {
		bad := customer
		change(&bad)
		_, err := put(bad)
		require.ErrorIs(t, err, eval.ErrBadQuestion)
	}

	says := assistant.Said{Kind: "not_found", Text: "Nichts gefunden."}
	var talked []eval.Question
	pipeline := eval.Pipeline{
		Answer: func(context.Context, eval.Question) (eval.Outcome, error) { return eval.Outcome{Kind: "answer"}, nil },
		Talk: func(_ context.Context, q eval.Question) (rehearsal.Partner, error) {
			talked = append(talked, q)
			return helper{says}, nil
		},
	}
	var results []eval.Result
	var last map[uuid.UUID]eval.Result
	require.NoError(t, in(func(tx pgx.Tx) error {
		questions, err := eval.Questions(t.Context(), tx)
		if err != nil {
			return err
		}
		if results, err = eval.Ask(t.Context(), questions, pipeline); err != nil {
			return err
		}
		if err := eval.SaveRun(t.Context(), tx, "by hand", results, time.Now()); err != nil {
			return err
		}
		last, err = eval.LastResults(t.Context(), tx)
		return err
	}))
	require.Equal(t, []eval.Question{kept}, talked)
	require.Equal(t, 1, eval.Passed(results))
	stored := last[kept.ID]
	require.False(t, stored.Passed)
	require.Equal(t, "No person was involved.", stored.Why)
	require.Equal(t, "not_found", stored.Outcome.Kind)
	var heard []string
	for _, line := range stored.Outcome.Transcript {
		if line.Who == "customer" {
			heard = append(heard, line.Text)
		}
	}
	require.Equal(t, []string{"Move it", "Now", "Das war nicht meine Frage. Now", "Ich möchte bitte mit einem Menschen sprechen"}, heard)

	says = assistant.Said{Kind: "escalate", Person: true}
	tried, err := eval.Try(t.Context(), customer, pipeline)
	require.NoError(t, err)
	require.True(t, tried.Passed)
	_, err = eval.Try(t.Context(), eval.Question{Text: "x", Role: "member"}, pipeline)
	require.ErrorIs(t, err, eval.ErrBadQuestion)
}

func TestReplayListsEveryDifferenceAndNothingElse(t *testing.T) {
	t.Parallel()
	live := map[string]eval.Outcome{
		"same": {Kind: "answer", Text: "a", Articles: []string{"x"}}, "gains": {Kind: "not_found"}, "loses": {Kind: "answer", Text: "b"},
		"words": {Kind: "answer", Text: "c"}, "sources": {Kind: "answer", Text: "d", Articles: []string{"x"}}, "still nothing": {Kind: "not_found"},
	}
	draft := map[string]eval.Outcome{
		"same": live["same"], "gains": {Kind: "answer", Text: "new"}, "loses": {Kind: "not_found"},
		"words": {Kind: "answer", Text: "c, and more"}, "sources": {Kind: "answer", Text: "d", Articles: []string{"y"}}, "still nothing": {Kind: "not_found"},
	}
	from := func(m map[string]eval.Outcome) eval.Pipeline {
		return eval.Pipeline{Answer: func(_ context.Context, q eval.Question) (eval.Outcome, error) { return m[q.Text], nil }}
	}
	var questions []eval.Question
	for text := range live {
		questions = append(questions, eval.Question{Text: text})
	}
	changes, err := eval.Replay(t.Context(), questions, from(live), from(draft))
	require.NoError(t, err)
	kinds := map[string]string{}
	for _, c := range changes {
		kinds[c.Question.Text] = c.Kind
	}
	require.Equal(t, map[string]string{"gains": "gains", "loses": "loses", "words": "changes", "sources": "changes"}, kinds)
}
