package switchover

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"github.com/usherdesk/usher/knowledge"
)

// smallestCorpus is how many shared chunks are worth learning from.
const smallestCorpus = 8

// Outgrown reports whether the built-in model in use has fallen behind the
// shared articles: never trained, a third more of them, or half of them gone.
func (r *Registry) Outgrown(ctx context.Context) (bool, error) {
	active, _, err := r.Active(ctx)
	if err != nil || active.Provider != Builtin {
		return false, err
	}
	var chunks int
	err = r.db.Pool().QueryRow(ctx, `select coalesce((select chunks from shared_corpora), 0)`).Scan(&chunks)
	if err != nil || chunks < smallestCorpus {
		return false, err
	}
	return active.Texts == 0 || chunks > active.Texts*4/3+16 || chunks < active.Texts/2, nil
}

// QueueTraining queues a train_embedder job if one is due and none is queued.
func (r *Registry) QueueTraining(ctx context.Context, jobs knowledge.JobInserter) error {
	due, err := r.Outgrown(ctx)
	if err != nil || !due || jobs == nil {
		return err
	}
	return r.db.WithSystem(ctx, "queue training", func(tx pgx.Tx) error {
		// A little later, so that an import is learned from as a whole.
		_, err := jobs.InsertTx(ctx, tx, knowledge.TrainEmbedderArgs{}, &river.InsertOpts{
			ScheduledAt: time.Now().Add(3 * time.Second),
			UniqueOpts:  river.UniqueOpts{ByState: knowledge.Unfinished},
		})
		return err
	})
}

// trainWorker works train_embedder jobs.
type trainWorker struct {
	river.WorkerDefaults[knowledge.TrainEmbedderArgs]
	registry *Registry
}

func (w *trainWorker) Timeout(*river.Job[knowledge.TrainEmbedderArgs]) time.Duration {
	return 10 * time.Minute
}

func (w *trainWorker) Work(ctx context.Context, _ *river.Job[knowledge.TrainEmbedderArgs]) error {
	due, err := w.registry.Outgrown(ctx)
	if err != nil || !due {
		return err
	}
	_, err = w.registry.Retrain(ctx)
	if errors.Is(err, ErrBuilding) {
		return river.JobSnooze(time.Minute)
	}
	return err
}

// buildWorker works build_vectors jobs. A run that is stopped half-way goes on
// where it was: the next attempt asks for what is missing.
type buildWorker struct {
	river.WorkerDefaults[knowledge.BuildVectorsArgs]
	registry *Registry
}

func (w *buildWorker) Timeout(*river.Job[knowledge.BuildVectorsArgs]) time.Duration {
	return 30 * time.Minute
}

func (w *buildWorker) Work(ctx context.Context, job *river.Job[knowledge.BuildVectorsArgs]) error {
	err := w.registry.Build(ctx, job.Args.Model)
	switch {
	case errors.Is(err, ErrNoModel):
		return river.JobCancel(err)
	case errors.Is(err, ErrBuilding): // by another process, which may yet die
		return river.JobSnooze(30 * time.Second)
	}
	return err
}

// AddWorkers registers the package's workers.
func AddWorkers(workers *river.Workers, registry *Registry) {
	river.AddWorker(workers, &trainWorker{registry: registry})
	river.AddWorker(workers, &buildWorker{registry: registry})
}
