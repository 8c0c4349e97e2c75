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
	jobs    knowledge.JobInserter
}

func (w *articleWorker) Timeout(*river.Job[knowledge.IndexArticleArgs]) time.Duration { return timeout }

func (w *articleWorker) Work(ctx context.Context, job *river.Job[knowledge.IndexArticleArgs]) error {
	space := knowledge.Space{Tenant: job.Args.Tenant}
	if _, err := w.indexer.Article(ctx, space, job.Args.Article); err != nil {
		return err
	}
	if !space.IsShared() {
		return nil // the built-in model never learns from a tenant's text
	}
	return w.indexer.models.QueueTraining(ctx, w.jobs)
}

// sweepWorker works sweep_index jobs.
type sweepWorker struct {
	river.WorkerDefaults[knowledge.SweepIndexArgs]
	indexer *Indexer
	jobs    knowledge.JobInserter
}

func (w *sweepWorker) Timeout(*river.Job[knowledge.SweepIndexArgs]) time.Duration {
	return 10 * time.Minute
}

func (w *sweepWorker) Work(ctx context.Context, _ *river.Job[knowledge.SweepIndexArgs]) error {
	if _, err := w.indexer.Sweep(ctx); err != nil {
		return err
	}
	if err := w.indexer.models.Complete(ctx); err != nil {
		return err
	}
	return w.indexer.models.QueueTraining(ctx, w.jobs)
}

// AddWorkers registers the package's workers. jobs queues the retraining of the
// built-in embedder once articles have outgrown it; it may be nil.
func AddWorkers(workers *river.Workers, indexer *Indexer, jobs knowledge.JobInserter) {
	river.AddWorker(workers, &articleWorker{indexer: indexer, jobs: jobs})
	river.AddWorker(workers, &sweepWorker{indexer: indexer, jobs: jobs})
}
