package defaults_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/migrations/dbtest"
	"github.com/usherdesk/usher/triage/classify"
	"github.com/usherdesk/usher/triage/classify/defaults"
)

func TestValues(t *testing.T) {
	t.Parallel()
	values, err := defaults.Values()
	require.NoError(t, err)
	routes := map[string]bool{"acknowledge": true, "status": true, "answer": true, "clarify": true, "escalate": true}
	seen := map[string]bool{}
	texts := map[string]string{}
	status := 0
	for _, v := range values {
		require.NotEmpty(t, v.Description, v.Name)
		require.True(t, routes[v.Route], "route of %s", v.Name)
		require.Contains(t, []string{"urgent", "high", "normal", "low"}, v.Priority, v.Name)
		require.False(t, seen[v.Dimension+"/"+v.Name], "%s is listed twice", v.Name)
		seen[v.Dimension+"/"+v.Name] = true
		if v.Dimension != defaults.Intent {
			require.NotEmpty(t, v.Examples, v.Name)
			continue
		}
		if v.Route == "status" {
			status++
		}
		languages := map[string]int{}
		for _, e := range v.Examples {
			languages[e.Language]++
			key := strings.ToLower(e.Text)
			require.Empty(t, texts[key], "%q stands for two intents", e.Text)
			texts[key] = v.Name
		}
		require.GreaterOrEqual(t, languages["en"], 6, v.Name)
		for _, l := range []string{"de", "fr", "es", "pt"} {
			require.NotZero(t, languages[l], "%s has no %s example", v.Name, l)
		}
	}
	require.Equal(t, 25, status)
}

// actedOn is the confidence from which the assistant answers with a status.
const actedOn = 0.35

type question struct {
	Intent      string
	Question    string
	Paraphrases []string
	NearMiss    string `json:"near_miss_not_this_intent"`
}

// The starting questions were written by somebody else: they show how the
// shipped examples carry to words they do not contain.
func TestUnseenStatusQuestions(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(filepath.Join(dbtest.TestData(t), "reference", "status-questions.json"))
	if err != nil {
		t.Skipf("status-questions.json is not at hand: %v", err)
	}
	var file struct{ Questions []question }
	require.NoError(t, json.Unmarshal(data, &file))
	require.GreaterOrEqual(t, len(file.Questions), 25)

	model, routes := intents(t)
	var asked, right, status int
	var nearMisses, taken int
	for _, q := range file.Questions {
		for _, text := range append([]string{q.Question}, q.Paraphrases...) {
			asked++
			p := model.Predict(text)
			if p.Label == q.Intent && !p.OutOfScope {
				right++
			} else {
				t.Logf("want %-32s got %-32s %.2f fits none: %v  %s", q.Intent, p.Label, p.Confidence, p.OutOfScope, text)
			}
			if routes[p.Label] == "status" && !p.OutOfScope {
				status++
			}
		}
		nearMisses++
		if p := model.Predict(q.NearMiss); routes[p.Label] == "status" && p.Confidence >= actedOn && !p.OutOfScope {
			taken++
			t.Logf("near miss of %-30s taken for %s %.2f  %s", q.Intent, p.Label, p.Confidence, q.NearMiss)
		}
	}
	t.Logf("status questions: %d of %d right, %d routed to status; near misses: %d of %d taken for status", right, asked, status, taken, nearMisses)
	require.GreaterOrEqual(t, float64(right)/float64(asked), 0.8)
	require.LessOrEqual(t, taken, 3)
}

func intents(t *testing.T) (*classify.Model, map[string]string) {
	t.Helper()
	values, err := defaults.Values()
	require.NoError(t, err)
	var labels []classify.Label
	routes := map[string]string{}
	for _, v := range values {
		if v.Dimension != defaults.Intent {
			continue
		}
		l := classify.Label{Name: v.Name, Description: v.Description}
		for _, e := range v.Examples {
			l.Examples = append(l.Examples, e.Text)
		}
		labels = append(labels, l)
		routes[v.Name] = v.Route
	}
	m, err := classify.Train(t.Context(), labels, nil, classify.Options{Seed: 1, OOSLabel: defaults.OutOfScope})
	require.NoError(t, err)
	return m, routes
}
