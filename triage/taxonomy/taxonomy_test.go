package taxonomy_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/migrations/dbtest"
	"github.com/usherdesk/usher/triage"
	"github.com/usherdesk/usher/triage/taxonomy"
)

func engine(t *testing.T) (*taxonomy.Engine, *dbtest.Database) {
	t.Helper()
	db := dbtest.New(t)
	set, err := taxonomy.Shipped()
	require.NoError(t, err)
	require.NoError(t, db.Worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) error { return taxonomy.Seed(t.Context(), tx, set) }))
	e := taxonomy.NewEngine(db.Worker.Pool(), nil)
	require.NoError(t, e.Refresh(t.Context()))
	return e, db
}

// The questions of the reference list were used for no example; they are the
// held-out check of the shipped taxonomy.
func TestStatusQuestionsAreRecognisedAndNearMissesAreNot(t *testing.T) {
	t.Parallel()
	body, err := os.ReadFile(dbtest.TestData(t, "reference", "status-questions.json"))
	require.NoError(t, err)
	var file struct {
		Questions []struct {
			Intent, Question string
			Paraphrases      []string
			NearMiss         string `json:"near_miss_not_this_intent"`
		}
	}
	require.NoError(t, json.Unmarshal(body, &file))
	e, _ := engine(t)
	right, all, missed := 0, 0, 0
	for _, q := range file.Questions {
		for _, text := range append([]string{q.Question}, q.Paraphrases...) {
			c, err := e.Classify(t.Context(), taxonomy.Input{Text: text, Language: "en"})
			require.NoError(t, err)
			all++
			if c.Intent == q.Intent {
				right++
			} else {
				t.Logf("%q is %s, taken for %q (%.2f, %s)", text, q.Intent, c.Intent, c.Confidence, c.Route)
			}
		}
		c, err := e.Classify(t.Context(), taxonomy.Input{Text: q.NearMiss, Language: "en"})
		require.NoError(t, err)
		if c.Intent == q.Intent {
			missed++
			t.Logf("near miss %q taken for %s (%.2f)", q.NearMiss, c.Intent, c.Confidence)
		}
	}
	t.Logf("%d of %d right, %d of 25 near misses taken", right, all, missed)
	require.GreaterOrEqual(t, float64(right)/float64(all), 0.80)
	require.LessOrEqual(t, missed, 4)
}

func TestClassify(t *testing.T) {
	t.Parallel()
	e, db := engine(t)
	classify := func(text string) triage.Classification {
		c, err := e.Classify(t.Context(), taxonomy.Input{Text: text})
		require.NoError(t, err)
		return c
	}
	require.Equal(t, "acknowledge", classify("Thanks a lot!").Route)
	require.Equal(t, "talk_to_person", classify("Let me talk to a human please").Intent)
	require.Equal(t, "de", classify("Wann gehen wir endlich live?").Language)
	require.Equal(t, "onboarding.go_live_date", classify("Wann gehen wir endlich live?").Intent)
	require.Equal(t, triage.PriorityUrgent, classify("Nobody can sign in, production is down!").Priority)
	require.Empty(t, classify("Which planet is closest to the sun?").Intent, "none fits")

	// A curator's example changes what the next refresh learns.
	before := classify("please do the zorblax thing").Version
	require.NoError(t, db.Worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) error {
		for _, text := range []string{"please do the zorblax thing", "zorblax our account", "we need a zorblax", "start the zorblax now", "zorblax please"} {
			if err := taxonomy.AddExample(t.Context(), tx, taxonomy.Example{Dimension: taxonomy.Intent, Value: "billing.plan", Text: text, Source: "curator"}); err != nil {
				return err
			}
		}
		return nil
	}))
	require.NoError(t, e.Refresh(t.Context()))
	after := classify("can you zorblax this")
	require.NotEqual(t, before, after.Version)
	require.Equal(t, "billing.plan", after.Intent)
	require.NotEmpty(t, strings.Join(after.Explanation, " "))

	err := db.Worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) error {
		return taxonomy.AddExample(t.Context(), tx, taxonomy.Example{Dimension: taxonomy.Intent, Value: "no_such_value", Text: "x"})
	})
	require.ErrorIs(t, err, taxonomy.ErrValueNotFound)
}
