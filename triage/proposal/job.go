package proposal

import (
	"context"
	"time"

	"github.com/riverqueue/river"
)

// RunArgs looks at solved tickets. Periodic.
type RunArgs struct{}

// Kind names the job.
func (RunArgs) Kind() string { return "propose_articles" }

// InsertOpts keeps runs from piling up.
func (RunArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{UniqueOpts: river.UniqueOpts{ByPeriod: time.Minute}}
}

type worker struct {
	river.WorkerDefaults[RunArgs]
	service *Service
}

func (w *worker) Work(ctx context.Context, _ *river.Job[RunArgs]) error {
	_, err := w.service.Run(ctx)
	return err
}

// AddWorkers registers the job.
func AddWorkers(workers *river.Workers, s *Service) {
	river.AddWorker(workers, &worker{service: s})
}

// PeriodicJobs run it every quarter of an hour.
func PeriodicJobs() []*river.PeriodicJob {
	return []*river.PeriodicJob{river.NewPeriodicJob(river.PeriodicInterval(15*time.Minute), func() (river.JobArgs, *river.InsertOpts) { return RunArgs{}, nil }, nil)}
}
