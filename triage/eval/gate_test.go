package eval_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/triage/answer"
	"github.com/usherdesk/usher/triage/eval"
)

func TestReadTasksKeepsConversationsTogether(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "tasks.jsonl")
	require.NoError(t, os.WriteFile(path, []byte(`{"id":"1","text":"How do I invite?","answerability":"answerable","relevant":["a"]}
{"id":"2","history":[["user","How do I invite?"],["agent","Under Team."]],"text":"and remove?","answerability":"partial","relevant":["b"]}
{"id":"3","text":"Hello","answerability":"conversational","relevant":["b"]}
{"id":"4","text":"What is the weather?","answerability":"unanswerable"}
{"id":"5","text":"Invoices?","answerability":"answerable","relevant":["c"]}
`), 0o600))
	tasks, err := eval.ReadTasks(path)
	require.NoError(t, err)
	require.Len(t, tasks, 5)
	var asked []string
	for fold := range 2 {
		questions, documents := eval.Fold(tasks, fold, 2)
		for _, q := range questions {
			asked = append(asked, q.ID)
			require.Subset(t, documents, q.Relevant)
		}
	}
	require.ElementsMatch(t, []string{"1", "2", "5"}, asked, "each with an answer once, and no other")
}

// samples are questions that the first feature tells apart, most of the time.
func samples(shift float64) (out []eval.Sample) {
	random := rand.New(rand.NewPCG(3, 4)) //nolint:gosec // repeatable on purpose
	for i := range 240 {
		s := eval.Sample{Group: fmt.Sprint("conversation ", i/4), Set: i % 2, Answerable: i%3 == 0, Withheld: i%3 == 1, Cited: 1, First: true, Right: 1}
		for j := range s.Features {
			s.Features[j] = random.Float64()
		}
		if s.Answerable {
			s.Features[0] += shift
		}
		s.Score = s.Features[0] / (1 + shift)
		s.Sent = s.Score > 0.5
		out = append(out, s)
	}
	return out
}

func TestReportSaysHowSureItIs(t *testing.T) {
	t.Parallel()
	r := eval.Report(samples(0.6))
	require.Equal(t, 160, r.N, "withheld ones are counted apart")
	require.Greater(t, r.AUROC, 0.8)
	require.Less(t, r.AUROCLow, r.AUROC)
	require.Greater(t, r.AUROCHigh, r.AUROC)
	require.InDelta(t, 1, r.CitationPrecision, 1e-9)
	require.NotNil(t, r.Withheld)
	require.Equal(t, 80, r.Withheld.N)
	require.Greater(t, r.AnsweredAtTenth, 0.3)
	require.Equal(t, r, eval.Report(samples(0.6)), "the same draws every time")
	chance := eval.Report(samples(0))
	require.Less(t, chance.AUROCLow, 0.5)
	require.Greater(t, chance.AUROCHigh, 0.5)
}

func TestFitFindsTheTellingFeature(t *testing.T) {
	t.Parallel()
	f := eval.Fit(samples(0.6), 0.1)
	for i := 1; i < answer.Dimensions; i++ {
		require.Greater(t, f.Weights[0], 3*max(f.Weights[i], -f.Weights[i]), "weight %d", i)
	}
	require.Greater(t, f.AUROC, 0.8)
	require.Len(t, f.Crossed, 2)
	for _, c := range f.Crossed {
		require.Greater(t, c.ByConversation.AUROC, 0.75)
		require.Greater(t, c.BySet.AUROC, 0.75)
		require.LessOrEqual(t, c.ByConversation.AUROC, f.AUROC+0.1)
	}
	require.Equal(t, f, eval.Fit(samples(0.6), 0.1), "bit for bit")
	// Without a difference, what was not learned from shows it.
	for _, c := range eval.Fit(samples(0), 0.1).Crossed {
		require.Less(t, c.ByConversation.AUROC, 0.65)
	}
}
