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

func TestACorrectionCountsAtOnceForItsTenantAlone(t *testing.T) {
	t.Parallel()
	e, _ := engine(t)
	const said, alike = "The blue widget on our board shows nothing since the move", "the blue widget on our board still shows nothing since the move!"
	corrections := []taxonomy.Correction{{Text: said, Intent: "billing.plan"}}
	classify := func(text string, k []taxonomy.Correction) triage.Classification {
		c, err := e.Classify(t.Context(), taxonomy.Input{Text: text, Corrections: k})
		require.NoError(t, err)
		return c
	}
	require.NotEqual(t, "billing.plan", classify(alike, nil).Intent)
	c := classify(alike, corrections)
	require.Equal(t, "billing.plan", c.Intent)
	require.True(t, c.Corrected)
	require.Contains(t, strings.Join(c.Explanation, "\n"), said)
	require.NotEqual(t, "billing.plan", classify("When do we go live?", corrections).Intent, "another question is another matter")
	require.Equal(t, "acknowledge", classify("Thanks a lot!", []taxonomy.Correction{{Text: "Thanks a lot!", Intent: "billing.plan"}}).Route)
	require.NotEqual(t, "gone", classify(alike, []taxonomy.Correction{{Text: said, Intent: "gone"}}).Intent, "a value the taxonomy has no more")
}

func TestARetrainingThatDoesWorseIsRefused(t *testing.T) {
	t.Parallel()
	e, db := engine(t)
	before, err := e.Classify(t.Context(), taxonomy.Input{Text: "When do we go live?"})
	require.NoError(t, err)
	require.Equal(t, "onboarding.go_live_date", before.Intent)

	// Somebody pastes every example of one value into others: the classifier would unlearn much.
	set, err := taxonomy.Load(t.Context(), db.Worker.Pool())
	require.NoError(t, err)
	require.NoError(t, db.Worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) error {
		for _, x := range set.Examples {
			if x.Value == "billing.plan" {
				continue
			}
			if err := taxonomy.AddExample(t.Context(), tx, taxonomy.Example{Dimension: taxonomy.Intent, Value: "billing.plan", Language: x.Language, Text: x.Text, Source: "curator"}); err != nil {
				return err
			}
		}
		return nil
	}))
	require.NoError(t, e.Refresh(t.Context()))
	after, err := e.Classify(t.Context(), taxonomy.Input{Text: "When do we go live?"})
	require.NoError(t, err)
	require.Equal(t, before.Intent, after.Intent)
	require.Equal(t, before.Version, after.Version)

	var accepted bool
	var held, lost, kept int
	require.NoError(t, db.Worker.Pool().QueryRow(t.Context(), `select accepted, held, lost, (select count(*) from classifier_checks) from classifier_trainings`).
		Scan(&accepted, &held, &lost, &kept))
	require.False(t, accepted)
	require.Equal(t, held, kept)
	require.Greater(t, lost, 20)

	// Another process finds the verdict and does not train again.
	other := taxonomy.NewEngine(db.Worker.Pool(), nil)
	require.NoError(t, other.Start(t.Context()))
	require.NoError(t, other.Refresh(t.Context()))
	c, err := other.Classify(t.Context(), taxonomy.Input{Text: "When do we go live?"})
	require.NoError(t, err)
	require.Equal(t, before.Version, c.Version)

	// A value taken out counts at once, refused or not.
	require.NoError(t, db.Worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `update taxonomy_values set enabled = false, updated_at = now() where value = 'onboarding.go_live_date'`)
		return err
	}))
	require.NoError(t, e.Refresh(t.Context()))
	gone, err := e.Classify(t.Context(), taxonomy.Input{Text: "When do we go live?"})
	require.NoError(t, err)
	require.NotEqual(t, "onboarding.go_live_date", gone.Intent)
}

func TestNestedValues(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	const widget, invoice, refund = "widget", "money.invoice", "money.refund"
	require.NoError(t, db.Worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) error {
		for _, v := range []taxonomy.Value{
			{Value: "money", Description: "money in general", Route: taxonomy.RouteEscalate, Team: "billing"},
			{Value: invoice, Route: taxonomy.RouteAnswer}, {Value: refund, Route: taxonomy.RouteEscalate}, {Value: widget, Route: taxonomy.RouteAnswer},
		} {
			v.Dimension, v.Enabled = taxonomy.Intent, true
			if _, err := taxonomy.Put(t.Context(), tx, v); err != nil {
				return err
			}
		}
		money := []string{
			"the amount of last month is wrong", "a wrong amount was taken", "the amount of last month", "the amount of march",
			"which amount is due", "the amount for april", "my amount is different", "about the amount taken in may",
		}
		texts := map[string][]string{
			invoice: money, refund: money, // nobody could tell
			widget: {"the widget has no colour", "put the widget on our page", "widget does not open", "move the widget left", "is there a dark widget", "hide the widget at night"},
		}
		for value, list := range texts {
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
	c, err := e.Classify(t.Context(), taxonomy.Input{Text: "it is about the amount of march"})
	require.NoError(t, err)
	require.Equal(t, "money", c.Intent, "invoice or refund, money for certain: %+v", c.Labels)
	require.Equal(t, "billing", c.Team)
	c, err = e.Classify(t.Context(), taxonomy.Input{Text: "please hide the widget"})
	require.NoError(t, err)
	require.Equal(t, widget, c.Intent)
}

func TestPriorityFollowsTheTenant(t *testing.T) {
	t.Parallel()
	e, _ := engine(t)
	const blocked, question = "We are blocked by the missing contract template", "How do I invite a colleague?"
	for name, c := range map[string]struct {
		text, tier, stage string
		want              triage.Priority
	}{
		"what blocks a tenant in onboarding is high":         {blocked, "", "onboarding", triage.PriorityHigh},
		"what blocks a tenant that is live is urgent":        {blocked, "", "live", triage.PriorityUrgent},
		"what blocks an enterprise tenant is urgent":         {blocked, "enterprise", "onboarding", triage.PriorityUrgent},
		"a question stays a question for the largest tenant": {question, "enterprise", "live", triage.PriorityNormal},
		"no rush is low for everybody":                       {"No rush, how do I invite a colleague?", "enterprise", "live", triage.PriorityLow},
		"no rush takes a bug down a step":                    {"No rush: there is a typo on the page", "enterprise", "live", triage.PriorityNormal},
		"no rush does not calm an outage":                    {"No rush, but production is down and nobody can log in", "", "live", triage.PriorityUrgent},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := e.Classify(t.Context(), taxonomy.Input{Text: c.text, Tier: c.tier, Stage: c.stage})
			require.NoError(t, err)
			require.Equal(t, c.want, got.Priority, "%+v", got)
		})
	}
}

func TestNamesTheOperatorKnowsAreEntities(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	db.Staff(t, "sam@usher.test")
	const person = "Zofia Brandt"
	set, err := taxonomy.Shipped()
	require.NoError(t, err)
	require.NoError(t, db.Worker.WithSystem(t.Context(), "test", func(tx pgx.Tx) error {
		if err := taxonomy.Seed(t.Context(), tx, set); err != nil {
			return err
		}
		if _, err := tx.Exec(t.Context(), `with audience as (insert into shared_audiences (id, audience, fingerprint) values (gen_random_uuid(), 'public', 'test') returning id)
			insert into shared_articles (id, slug, title, product, state, audience_id)
			select gen_random_uuid(), 'zorb', 'Zorblax', 'Zorblax Pro', 'draft', id from audience`); err != nil {
			return err
		}
		_, err := tx.Exec(t.Context(), `update staff set display_name = $1`, person)
		return err
	}))
	e := taxonomy.NewEngine(db.Worker.Pool(), nil)
	require.NoError(t, e.Refresh(t.Context()))
	c, err := e.Classify(t.Context(), taxonomy.Input{Text: "I spoke to " + person + " on 2026-03-04 about zorblax pro and #4821"})
	require.NoError(t, err)
	kinds := map[string]string{}
	for _, x := range c.Entities {
		kinds[x.Kind] = x.Text
	}
	require.Equal(t, map[string]string{"person": person, "date": "2026-03-04", "product": "zorblax pro", "ticket": "#4821"}, kinds)
}
