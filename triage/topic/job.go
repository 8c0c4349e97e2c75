package topic

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
)

// RunArgs groups new questions. Periodic.
type RunArgs struct{}

// Kind names the job.
func (RunArgs) Kind() string { return "find_topics" }

// InsertOpts keeps runs from piling up.
func (RunArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{UniqueOpts: river.UniqueOpts{ByPeriod: time.Minute}}
}

// Soon queues a run, at most one a minute, so that who looks at topics sees
// today's questions in a moment.
func (s *Service) Soon(ctx context.Context) error {
	return s.DB.WithSystem(ctx, "group new questions soon", func(tx pgx.Tx) error {
		_, err := s.Jobs.InsertTx(ctx, tx, RunArgs{}, nil)
		return err
	})
}

type worker struct {
	river.WorkerDefaults[RunArgs]
	service *Service
}

func (w *worker) Timeout(*river.Job[RunArgs]) time.Duration { return 10 * time.Minute }

func (w *worker) Work(ctx context.Context, _ *river.Job[RunArgs]) error {
	_, err := w.service.Run(ctx)
	return err
}

// AddWorkers registers the job.
func AddWorkers(workers *river.Workers, s *Service) { river.AddWorker(workers, &worker{service: s}) }

// PeriodicJobs run it every ten minutes, and at the start.
func PeriodicJobs() []*river.PeriodicJob {
	return []*river.PeriodicJob{river.NewPeriodicJob(river.PeriodicInterval(10*time.Minute), func() (river.JobArgs, *river.InsertOpts) { return RunArgs{}, nil }, &river.PeriodicJobOpts{RunOnStart: true})}
}
