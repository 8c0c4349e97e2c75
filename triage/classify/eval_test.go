package classify_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/migrations/dbtest"
	"github.com/usherdesk/usher/triage/classify"
)

func TestReadRows(t *testing.T) {
	t.Parallel()
	rows, err := classify.ReadRows(strings.NewReader(`{"id":"1","text":"Subject","body":"More","label":"a"}` + "\n\n" + `{"text":"x","label":"b","confidence":0.5}` + "\n"))
	require.NoError(t, err)
	require.Len(t, rows, 2)
	require.Equal(t, "Subject\n\nMore", rows[0].Input())
	require.Equal(t, "x", rows[1].Input())
	require.InDelta(t, 0.5, *rows[1].Confidence, 0)
	for _, bad := range []string{`{"text":"x"}`, `{"label":"x"}`, `nonsense`} {
		_, err := classify.ReadRows(strings.NewReader(bad))
		require.ErrorIs(t, err, classify.ErrBadRow, bad)
	}
}

func TestMeasure(t *testing.T) {
	t.Parallel()
	p := func(label string, confidence float64) classify.Prediction {
		return classify.Prediction{Label: label, Confidence: confidence}
	}
	q := classify.Measure([]classify.Prediction{p("a", 0.9), p("a", 0.9), p("b", 0.6), p("a", 0.6)}, []string{"a", "a", "b", "b"})
	require.InDelta(t, 0.75, q.Accuracy, 1e-9)
	require.InDelta(t, (0.8+2.0/3)/2, q.MacroF1, 1e-9)
	require.InDelta(t, 0.1, q.ECE, 1e-9) // the 0.6 bin is right half of the time, the 0.9 bin always
}

func TestEvaluate(t *testing.T) {
	t.Parallel()
	var rows []classify.Row
	for _, l := range desk {
		for _, text := range l.Examples {
			rows = append(rows, classify.Row{Text: text, Label: l.Name})
		}
	}
	known := len(rows)
	for _, s := range strangers {
		rows = append(rows, classify.Row{Text: s.Text, Label: s.Label})
	}
	r, err := classify.Evaluate(t.Context(), rows, rows[:known], classify.EvalOptions{})
	require.NoError(t, err)
	require.Equal(t, known, r.N)
	require.Greater(t, r.Accuracy, 0.7)
	require.Nil(t, r.OOSRecall)

	r, err = classify.Evaluate(t.Context(), rows, rows, classify.EvalOptions{OOSLabel: "none", Shots: 8, Seeds: 2})
	require.NoError(t, err)
	require.Greater(t, *r.InScopeAccuracy, 0.5)
	require.Greater(t, *r.OOSRecall, 0.5)
	require.Positive(t, *r.OOSPrecision)

	_, err = classify.Evaluate(t.Context(), nil, rows, classify.EvalOptions{})
	require.ErrorIs(t, err, classify.ErrNoLabels)
}

// Ten examples of each of 77 intents must do clearly better than a linear
// machine's 0.73. Skipped where the evaluation data is not at hand.
func TestFewShotIntents(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("trains on several hundred examples")
	}
	folder := filepath.Join(dbtest.TestData(t), "data", "banking77")
	training, err := classify.ReadRowsFile(filepath.Join(folder, "train.jsonl"))
	if err != nil {
		t.Skipf("evaluation data is not at hand: %v", err)
	}
	dev, err := classify.ReadRowsFile(filepath.Join(folder, "dev.jsonl"))
	require.NoError(t, err)
	r, err := classify.Evaluate(t.Context(), training, dev, classify.EvalOptions{Shots: 10, Seeds: 1})
	require.NoError(t, err)
	require.Greater(t, r.Accuracy, 0.75)
	require.Less(t, r.ECE, 0.1)
}
