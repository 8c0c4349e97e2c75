package taxonomy_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/migrations/dbtest"
	"github.com/usherdesk/usher/triage/taxonomy"
)

// Corrections that come in a row are learned once, by one of the processes that
// watch; what a value says counts meanwhile.
func TestCorrectionsAreLearnedTogether(t *testing.T) {
	t.Parallel()
	e, db := three(t)
	other := taxonomy.NewEngine(db.Worker.Pool(), nil)
	require.NoError(t, other.Start(t.Context()))
	trainings := func() (n int) {
		require.NoError(t, db.Worker.Pool().QueryRow(t.Context(), `select count(*) from classifier_trainings`).Scan(&n))
		return n
	}
	before := trainings()
	ctx, stop := context.WithCancel(t.Context())
	var watching sync.WaitGroup
	for _, engine := range []*taxonomy.Engine{e, other} {
		engine.Collect(3*time.Second, time.Minute)
		watching.Go(func() { engine.Watch(ctx, 50*time.Millisecond) })
	}
	defer func() { stop(); watching.Wait() }()
	for i := range 6 {
		correct(t, db, fmt.Sprintf("refund order number %d please", i))
		time.Sleep(300 * time.Millisecond)
	}
	require.Equal(t, before, trainings(), "nothing is learned while corrections come")
	_, err := db.Worker.Pool().Exec(t.Context(), `update taxonomy_values set team = 'night shift', updated_at = clock_timestamp() where dimension = 'intent' and value = 'refund'`)
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		c, err := e.Classify(t.Context(), taxonomy.Input{Text: "please refund the amount", Language: "en"})
		return err == nil && c.Team == "night shift"
	}, 2*time.Second, 30*time.Millisecond, "a team counts before anything is learned")
	require.Eventually(t, func() bool { return trainings() > before }, time.Minute, 100*time.Millisecond)
	time.Sleep(time.Second)
	require.Equal(t, before+1, trainings(), "six corrections and one change are one training")
}

// Corrections that never end do not put learning off for good.
func TestLearningDoesNotWaitForEver(t *testing.T) {
	t.Parallel()
	e, db := three(t)
	e.Collect(time.Hour, time.Second)
	correct(t, db, "refund the order please")
	ctx, stop := context.WithCancel(t.Context())
	var watching sync.WaitGroup
	watching.Go(func() { e.Watch(ctx, 50*time.Millisecond) })
	defer func() { stop(); watching.Wait() }()
	require.Eventually(t, func() bool {
		var n int
		return db.Worker.Pool().QueryRow(t.Context(), `select count(*) from classifier_trainings`).Scan(&n) == nil && n > 0
	}, time.Minute, 100*time.Millisecond)
}

func correct(t *testing.T, db *dbtest.Database, text string) {
	t.Helper()
	_, err := db.Worker.Pool().Exec(t.Context(), `insert into taxonomy_examples (id, dimension, value, language, text, source, created_at)
		values ($1, 'intent', 'refund', 'en', $2, 'correction', clock_timestamp())`, uuid.New(), text)
	require.NoError(t, err)
}

// three is an engine of three values, trained in a moment.
func three(t *testing.T) (*taxonomy.Engine, *dbtest.Database) {
	t.Helper()
	db := dbtest.New(t)
	require.NoError(t, db.Worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) error {
		for value, list := range map[string][]string{
			"widget": {"the widget has no colour", "put the widget on our page", "widget does not open", "move the widget left", "hide the widget at night", "embed the widget"},
			"refund": {"I want my money back", "please refund the amount", "refund for march", "when do I get the refund", "a refund is due", "money back please"},
			"colour": {"change the colour of the page", "the colour is wrong", "which colours can we choose", "our brand colour", "make it blue", "theme colours"},
		} {
			if _, err := taxonomy.Put(t.Context(), tx, taxonomy.Value{Dimension: taxonomy.Intent, Value: value, Route: taxonomy.RouteEscalate, Team: "billing", Enabled: true}); err != nil {
				return err
			}
			for _, text := range list {
				if err := taxonomy.AddExample(t.Context(), tx, taxonomy.Example{Dimension: taxonomy.Intent, Value: value, Language: "en", Text: text, Source: "curator"}); err != nil {
					return err
				}
			}
		}
		return nil
	}))
	e := taxonomy.NewEngine(db.Worker.Pool(), nil)
	require.NoError(t, e.Refresh(t.Context()))
	return e, db
}
