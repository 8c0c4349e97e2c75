package index

import (
	"context"
	"time"

	"github.com/riverqueue/river"

	"github.com/usherdesk/usher/knowledge"
)

// articleWorker works index_article jobs.
type articleWorker struct {
	river.WorkerDefaults[knowledge.IndexArticleArgs]
	indexer *Indexer
}

func (w *articleWorker) Timeout(*river.Job[knowledge.IndexArticleArgs]) time.Duration { return timeout }

func (w *articleWorker) Work(ctx context.Context, job *river.Job[knowledge.IndexArticleArgs]) error {
	_, err := w.indexer.Article(ctx, knowledge.Space{Tenant: job.Args.Tenant}, job.Args.Article)
	return err
}

// AddWorkers registers the package's workers.
func AddWorkers(workers *river.Workers, indexer *Indexer) {
	river.AddWorker(workers, &articleWorker{indexer: indexer})
}
