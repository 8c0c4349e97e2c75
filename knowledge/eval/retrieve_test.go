package eval_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/usherdesk/usher/knowledge/eval"
	"github.com/usherdesk/usher/migrations/dbtest"
)

// The floors are the bars of the product; how they are reached is in
// knowledge/search/DECISIONS.md.
func TestRetrieveReachesItsBars(t *testing.T) {
	t.Parallel()
	for _, set := range []struct {
		name, corpus, queries, qrels, tasks string
		floor                               float64
	}{
		{name: "stackfaq", corpus: "stackfaq/corpus.jsonl", queries: "stackfaq/queries_dev.jsonl", qrels: "stackfaq/qrels_dev.jsonl", floor: 0.88},
		{name: "plausible_kb", corpus: "plausible_kb/corpus.jsonl", queries: "plausible_kb/queries_faq.jsonl", qrels: "plausible_kb/qrels_faq.jsonl", floor: 0.80},
		{name: "mtrag_human", corpus: "mtrag_human/corpus.jsonl", tasks: "mtrag_human/tasks_dev.jsonl", floor: 0.52},
	} {
		t.Run(set.name, func(t *testing.T) {
			t.Parallel()
			root := dbtest.TestData(t, "data")
			at := func(path string) string {
				if path == "" {
					return ""
				}
				return filepath.Join(root, path)
			}
			db := dbtest.New(t)
			report, err := eval.Run(t.Context(), eval.Retrieve{
				DB: db.Worker, Corpus: at(set.corpus), Queries: at(set.queries), Qrels: at(set.qrels), Tasks: at(set.tasks), Legs: true,
			})
			require.NoError(t, err)
			t.Logf("%+v", report)
			require.GreaterOrEqual(t, report.NDCG10, set.floor)
			for leg, figures := range report.Legs {
				require.GreaterOrEqual(t, report.NDCG10, figures.NDCG10-0.01, "fused against the %s leg", leg)
			}
		})
	}
}
