package eval_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/migrations/dbtest"
	"github.com/usherdesk/usher/triage/eval"
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
	pipeline := func(context.Context, eval.Question) (eval.Outcome, error) { return eval.Outcome{Kind: kind}, nil }
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
		return func(_ context.Context, q eval.Question) (eval.Outcome, error) { return m[q.Text], nil }
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
